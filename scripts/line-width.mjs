// Lists every line of code, comment or prose that is longer than 120 characters, and fails if there is one.
//
// Biome breaks the code of JavaScript and TypeScript wherever it can. What it leaves long cannot be broken, so in these
// files only comments are checked. Lines with a URL may be long everywhere, and in Markdown rows of tables, pictures
// and the generated blocks of bench/cpu/pages.mjs.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const WIDTH = 120
const CHECKED = /\.(ts|mts|mjs|cjs|h|cpp|cu|cuh|py|sh|cmake|md)$|(^|\/)CMakeLists\.txt$|^\.ci\/run$/
const LEFT_OUT = /^test\/data\/|(^|\/)results\//
const SCRIPT = /\.(ts|mts|mjs|cjs)$/
const COMMENT = /^\s*\*|(^|\s)\/[/*]/
const UNBREAKABLE = /^\s*(\||!\[|<img|<!--)/

/** @param {string} file @param {string} line */
function mustFit(file, line) {
  if (/https?:\/\//.test(line)) return false
  if (SCRIPT.test(file)) return COMMENT.test(line)
  return !(file.endsWith('.md') && UNBREAKABLE.test(line))
}

let failed = false
const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n')
for (const file of files.filter((file) => CHECKED.test(file) && !LEFT_OUT.test(file) && existsSync(file))) {
  const lines = readFileSync(file, 'utf8').split('\n')
  for (const [at, line] of lines.entries()) {
    const width = [...line].length
    if (width <= WIDTH || !mustFit(file, line)) continue
    console.error(`${file}:${at + 1}: ${width} characters, more than ${WIDTH}`)
    failed = true
  }
}
if (failed) process.exitCode = 1
