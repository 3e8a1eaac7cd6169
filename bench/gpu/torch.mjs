import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boxLoss } from 'scaloss'
import { mixedBoxes, requiredOptions } from './inputs.mjs'

/**
 * @import { LossName } from 'scaloss'
 * @import { Quartiles } from './timing.mjs'
 */

/** Losses that torch.compile is asked for: a compilation takes seconds. */
const COMPILED = ['sca', 'giou', 'ciou', 'smooth_l1']
const OVERTIME = 45 // seconds, for a compilation that began within the budget

/**
 * What torch_compare.py measured for one loss, mode and size.
 * @typedef {object} TorchRow
 * @property {string} loss
 * @property {string} mode
 * @property {number} boxes
 * @property {Quartiles} ms
 * @property {number} difference
 * @property {number} firstCallSeconds
 */

/**
 * What torch_compare.py leaves.
 * @typedef {object} TorchResult
 * @property {string | null} skipped Why nothing was timed.
 * @property {string} [ended] Why it did not come to its end.
 * @property {string} [torch]
 * @property {string} [torchvision]
 * @property {string} [cuda]
 * @property {string} [device]
 * @property {{ float64: number, float32: number }} [tolerance]
 * @property {number} [leftOut] Pairs at a kink, not compared.
 * @property {Quartiles} [copy] GB/s.
 * @property {number} [seconds]
 * @property {{ loss: string, lossError: number, gradError: number | null, agrees: boolean }[]} checks
 * @property {TorchRow[]} results
 * @property {{ loss: string, mode: string, boxes: number, reason: string }[]} notMeasured
 */

/**
 * Boxes and float64 results of the CPU backend, as raw little-endian files.
 * @param {string} folder
 * @param {LossName[]} names
 * @param {number} boxes
 */
function writeExpected(folder, names, boxes) {
  const { pred, target } = mixedBoxes(boxes)
  writeFileSync(join(folder, 'pred.f32'), pred)
  writeFileSync(join(folder, 'target.f32'), target)
  for (const name of names) {
    const options = /** @type {const} */ ({ ...requiredOptions(name), backend: 'cpu', reduction: 'none' })
    const { loss, grad } = boxLoss(name, Float64Array.from(pred), Float64Array.from(target), options)
    writeFileSync(join(folder, `${name}.loss.f64`), loss)
    writeFileSync(join(folder, `${name}.grad.f64`), grad)
  }
}

/**
 * PyTorch on the same GPU, in a process of its own.
 * @param {object} what
 * @param {LossName[]} what.names Losses of two axes.
 * @param {number[]} what.sizes In the order of their importance, as time may run out.
 * @param {number} what.checkBoxes
 * @param {number} what.rotateBytes
 * @param {number} what.budget Seconds.
 * @param {boolean} what.quick
 * @returns {TorchResult}
 */
export function compareTorch({ names, sizes, checkBoxes, rotateBytes, budget, quick }) {
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-torch-'))
  try {
    writeExpected(folder, names, checkBoxes)
    const losses = Object.fromEntries(names.map((name) => [name, requiredOptions(name)]))
    writeFileSync(join(folder, 'task.json'), JSON.stringify({ losses, compiled: COMPILED, sizes, rotateBytes }))
    const script = join(import.meta.dirname, 'torch_compare.py')
    const args = [script, folder, '--budget', String(budget), ...(quick ? ['--quick'] : [])]
    const { error, status, signal } = spawnSync('python3', args, {
      stdio: 'inherit',
      timeout: (budget + OVERTIME) * 1e3,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    })
    const ended = error?.message ?? (status === 0 ? undefined : `ended with ${signal ?? `exit code ${status}`}`)
    const file = join(folder, 'result.json')
    const result = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : { skipped: ended, checks: [], results: [], notMeasured: [] }
    return { ...result, ...(ended && { ended }) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
