import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { CUDA_SOURCES, compile, missingTool, nvccRelease, ONE_ROW_SOURCE } from './kernels/compile.mjs'
import { writePage } from './kernels/page.mjs'
import { tabulate } from './kernels/table.mjs'

// Reports what the compiler makes of the CUDA kernels on sm_90: registers, spills and stack as ptxas reports them, and
// instructions according to the symbol table of the cubin. Needs nvcc but no GPU. --write writes docs/kernels.md.

const { values: flags } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
const missing = missingTool()
if (missing) {
  console.error(missing)
  process.exit(1)
}
const page = writePage(tabulate(await compile([...CUDA_SOURCES, ONE_ROW_SOURCE])), nvccRelease())
process.stdout.write(page)
if (flags.write) writeFileSync(new URL('../docs/kernels.md', import.meta.url), page)
