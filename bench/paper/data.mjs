import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

// Writes the numbers behind a figure to NAME.json: the parameters that they were computed with, and the rows.

/** @typedef {Record<string, string | number | boolean | null>} Row */

/**
 * @param {string} folder
 * @param {string} name
 * @param {object} parameters
 * @param {Row[]} rows All with the keys of the first.
 */
export function writeData(folder, name, parameters, rows) {
  mkdirSync(folder, { recursive: true })
  const json = rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n')
  const head = JSON.stringify({ parameters }, null, 2).slice(0, -2)
  writeFileSync(join(folder, `${name}.json`), `${head},\n  "rows": [\n${json}\n  ]\n}\n`)
  return [{ file: `${name}.json` }]
}
