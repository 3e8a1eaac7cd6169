// A user's project: programs for each module system, which all print the same.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { write } from './tools.mjs'

const body = (/** @type {string} */ backend) => `
const box = new Float32Array([0, 0, 1, 1]), other = new Float32Array([0, 0, 2, 2])
const { backend, loss, grad } = boxLoss('sca', box, other, { backend: '${backend}' })
console.log(backend, loss, grad.length, scaLoss(box, box).loss)
`
const BODY = body('cpu')
/** What a compiler checks besides: arrays that TypeScript since 5.7 tells apart by their memory. */
const TYPED = `
import { alloc, type BoxLossOptions } from 'scaloss'
import 'scaloss/coco'
const weight: Float32Array = new Float32Array(1)
const options: BoxLossOptions = { format: 'xyxy' }
const result: Float32Array = boxLoss('sca', box, other, { ...options, weight, grad: true, out: { grad: alloc(1) } }).grad
// @ts-expect-error another dtype
boxLoss('sca', box, other, { weight: new Float64Array(1) })
// @ts-expect-error no such option
boxLoss('sca', box, other, { reduction: 'sum', normalizr: 3 })
console.log(result)
`
export const PRINTS = 'cpu 1.25 4 0'
/** What `auto.mjs` prints where the addon is missing. */
export const PRINTS_WITHOUT_ADDON = 'wasm 1.25 4 0'

/** @param {string} folder @param {object} manifest */
export function writeProject(folder, manifest = {}) {
  write(join(folder, 'package.json'), { name: 'user', version: '1.0.0', private: true, ...manifest })
  write(join(folder, 'main.mjs'), `import { boxLoss, scaLoss } from 'scaloss'\n${BODY}`)
  write(join(folder, 'auto.mjs'), `import { boxLoss, scaLoss } from 'scaloss'\n${body('auto')}`)
  write(join(folder, 'main.cjs'), `const { boxLoss, scaLoss } = require('scaloss')\n${BODY}`)
  write(join(folder, 'main.mts'), `import { boxLoss, scaLoss } from 'scaloss'\n${BODY}${TYPED}`)
  write(join(folder, 'main.cts'), `import { boxLoss, scaLoss } from 'scaloss'\n${BODY}${TYPED}`)
  return folder
}

/** A project beside the tools, so that their packages are found.
 * @param {string} tools @param {string} name @param {string} installed
 * @param {Record<string, string>} [files] */
export function projectOfTool(tools, name, installed, files = {}) {
  const cwd = writeProject(join(tools, '..', name.replace(/\W/g, '-')))
  cpSync(installed, join(cwd, 'node_modules/scaloss'), { recursive: true })
  for (const [file, content] of Object.entries(files)) write(join(cwd, file), content)
  return cwd
}
