import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { backends, cuda } from 'scaloss'
import { LOSS_NAMES, LOSSES } from '../../dist/core/losses.js'
import { machine } from '../support.mjs'
import { checkBits } from './check.mjs'
import { timeLosses, timeStorage } from './device.mjs'
import { timeHostArrays, timeLatency, timePinnedCopies } from './host.mjs'
import { page } from './report.mjs'
import { targetTable } from './targets.mjs'
import { budgetOf } from './timing.mjs'
import { compareTorch } from './torch.mjs'

// The GPU benchmark: device-resident calls, PyTorch on the same GPU, small calls and host arrays, in one run of about
// four minutes. Writes gpu.json and gpu.md after each part, so that a run that is ended early leaves what it has.
//
//   node bench/gpu/run.mjs [--out DIR] [--losses a,b] [--max-boxes N] [--no-torch] [--torch-budget SECONDS]
//                          [--commit ID] [--quick]
//
// --quick tries all code with tiny sizes, also on the emulator (SCALOSS_PREBUILD). It writes only if DIR is given.

/**
 * @import { LossName } from 'scaloss'
 * @import { DType } from './inputs.mjs'
 * @import { Report } from './report.mjs'
 */

const MILLION = 2 ** 20
const FULL = {
  sizes: [256, 4096, 65536, MILLION, 16 * MILLION, 64 * MILLION],
  largestOfThreeAxes: 16 * MILLION,
  torchSizes: [16 * MILLION, MILLION, 64 * MILLION],
  storageBoxes: 16 * MILLION,
  latencySizes: [16, 256, 1024, 4096, 16384],
  hostSizes: [65536, 262144, MILLION, 4 * MILLION, 16 * MILLION],
  checkBoxes: 65536 + 17, // the last tile is not full
  tailBoxes: 65536,
  torchCheckBoxes: 65536,
  rotateBytes: 2 ** 30,
  pinnedBytes: 2 ** 28,
}
/** @type {typeof FULL} */
const QUICK = {
  sizes: [256, 4096],
  largestOfThreeAxes: 256,
  torchSizes: [4096, 256],
  storageBoxes: 4096,
  latencySizes: [16, 256],
  hostSizes: [256, 4096],
  checkBoxes: 1024 + 17,
  tailBoxes: 1000,
  torchCheckBoxes: 1000,
  rotateBytes: 2 ** 18,
  pinnedBytes: 2 ** 16,
}
/** A cheap and an expensive loss, where not all are timed. @type {LossName[]} */
const FEW = ['sca', 'ciou']

const { values: flags } = parseArgs({
  options: {
    out: { type: 'string' },
    quick: { type: 'boolean', default: false },
    losses: { type: 'string' },
    'max-boxes': { type: 'string', default: 'Infinity' },
    'no-torch': { type: 'boolean', default: false },
    'torch-budget': { type: 'string', default: '150' },
    commit: { type: 'string', default: machine.commit }, // for a copy of the sources that is no checkout
  },
})

const begun = performance.now()
const say = (/** @type {string} */ text) =>
  console.log(`[${((performance.now() - begun) / 1e3).toFixed(1).padStart(5)} s] ${text}`)

const { cuda: found } = backends()
if (!found.available) {
  console.error(`no CUDA here: ${found.reason}: ${found.message}`)
  process.exit(1)
}
const device = cuda.device(0)

/** What nvidia-smi says of the GPU, in its own words; undefined without nvidia-smi. */
function nvidiaSmi() {
  const fields = [
    'driver_version',
    'clocks.sm',
    'clocks.mem',
    'clocks.max.sm',
    'temperature.gpu',
    'power.limit',
    'memory.total',
  ]
  try {
    const args = [`--query-gpu=${fields}`, '--format=csv,noheader', '-i', '0']
    const values = execFileSync('nvidia-smi', args, { encoding: 'utf8' }).trim().split(', ')
    return Object.fromEntries(fields.map((field, i) => [field, values[i]]))
  } catch {
    return undefined
  }
}

const asked = flags.losses?.split(',')
const unknown = asked?.find((name) => !Object.hasOwn(LOSSES, name))
if (unknown !== undefined) throw new Error(`--losses: no loss '${unknown}'`)
const named = LOSS_NAMES.filter((name) => asked?.includes(name) ?? true)
const ofTwoAxes = (/** @type {LossName[]} */ names) => names.filter((name) => LOSSES[name].axes === 2)
const few = ofTwoAxes(asked ? named : FEW)

const scope = flags.quick ? QUICK : FULL
const budget = budgetOf(flags.quick)
// A slice holds pred, target and grad.
const most = Math.min(Number(flags['max-boxes']), Math.floor((0.8 * device.memory().free) / 48))
const upTo = (/** @type {number[]} */ sizes) => sizes.filter((boxes) => boxes <= most)
const { rotateBytes } = scope

/** @type {Report} */
const report = {
  machine: { ...machine, commit: flags.commit },
  gpu: {
    name: device.name,
    computeCapability: device.computeCapability,
    multiprocessors: device.multiprocessors,
    memory: device.memory().total,
    driver: found.driver,
    runtime: found.runtime,
    before: nvidiaSmi(),
  },
  quick: flags.quick,
  rotateBytes,
  checkBoxes: scope.checkBoxes,
  budget,
  copies: [],
  rows: [],
  again: [],
  storage: [],
  latency: [],
  host: [],
  failures: [],
  seconds: 0,
}

/**
 * @param {string} what
 * @param {unknown} error
 */
function failed(what, error) {
  const message = error instanceof Error ? error.message : String(error)
  report.failures.push(`${what}: ${message}`)
  say(`FAILED ${what}: ${message}`)
}

function save() {
  report.seconds = (performance.now() - begun) / 1e3
  const out = flags.out ?? (flags.quick ? undefined : join(import.meta.dirname, '../results'))
  if (out === undefined) return
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'gpu.json'), `${JSON.stringify(report, null, 1)}\n`)
  writeFileSync(join(out, 'gpu.md'), page(report))
}

/**
 * A part that fails must not cost the others.
 * @param {string} name
 * @param {() => void} run
 */
function part(name, run) {
  say(`--- ${name}`)
  try {
    run()
  } catch (error) {
    failed(name, error)
  }
  save()
}

/**
 * @param {LossName} name
 * @param {DType} [dtype]
 */
function passesCheck(name, dtype) {
  try {
    checkBits(device, name, scope.checkBoxes, LOSSES[name].axes, dtype)
    return true
  } catch (error) {
    failed(`check of ${name}${dtype ? ` in ${dtype}` : ''}`, error)
    return false
  }
}

const { name: gpuName, computeCapability, driver, runtime } = report.gpu
say(
  `${gpuName}, ${computeCapability}, driver for CUDA ${driver}, runtime ${runtime}; ${report.gpu.before ? JSON.stringify(report.gpu.before) : 'no nvidia-smi'}`,
)

/** @type {LossName[]} */
let names = []
part('the bits of the CPU backend', () => {
  names = named.filter((name) => passesCheck(name))
  say(`${names.length} of ${named.length} losses give them, ${scope.checkBoxes} boxes`)
})

const common = {
  largestOfThreeAxes: scope.largestOfThreeAxes,
  tail: scope.tailBoxes,
  rotateBytes,
  budget,
  say,
  failed,
}
part('device-resident', () => {
  const losses = names.map((loss) => ({ loss, axes: LOSSES[loss].axes }))
  timeLosses(device, report.rows, report.copies, {
    ...common,
    losses,
    sizes: upTo(scope.sizes),
    passes: ['fused', 'forward'],
  })
})
if (!flags['no-torch'])
  part('PyTorch', () => {
    report.torch = compareTorch({
      names: ofTwoAxes(names),
      sizes: upTo(scope.torchSizes),
      checkBoxes: scope.torchCheckBoxes,
      rotateBytes,
      budget: Number(flags['torch-budget']),
      quick: flags.quick,
    })
    if (report.torch.skipped) say(`skipped: ${report.torch.skipped}`)
    if (report.torch.ended) failed('PyTorch', report.torch.ended)
    for (const { loss, agrees } of report.torch.checks)
      if (!agrees) failed(`PyTorch, ${loss}`, 'the plain formula disagrees with scaloss')
  })
part('device-resident once more, for the drift', () => {
  const losses = ofTwoAxes(names).map((loss) => ({ loss, axes: LOSSES[loss].axes }))
  const sizes = upTo(scope.torchSizes).sort((a, b) => a - b)
  timeLosses(device, report.again, report.copies, { ...common, losses, sizes, passes: ['fused'] })
})
part('storage', () => {
  const boxes = Math.min(scope.storageBoxes, most)
  timeStorage(device, report.storage, { ...common, losses: few, boxes, isRight: passesCheck })
})
part('small calls', () => {
  timeLatency(device, report.latency, { losses: few, sizes: upTo(scope.latencySizes), budget, say, failed })
})
part('host arrays', () => {
  report.pinned = timePinnedCopies(device, { bytes: scope.pinnedBytes, budget })
  const { up, down } = report.pinned
  say(`pinned copies: ${up.median.toFixed(1)} GB/s up, ${down.median.toFixed(1)} GB/s down`)
  timeHostArrays(report.pinned, report.host, { losses: few, sizes: upTo(scope.hostSizes), budget, say, failed })
})
report.gpu.after = nvidiaSmi()
save()
console.log(`\n${targetTable(report)}`)
process.exitCode = report.failures.length === 0 ? 0 : 1
