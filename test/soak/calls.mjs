// Makes millions of calls of every kind in one process, and watches its memory:
//
//   npm run soak -- [--calls 10000000]
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { boxLoss, boxLossAsync, createPlan, pairwise } from '../../dist/index.mjs'
import { countOf } from './count.mjs'

const { values } = parseArgs({ options: { calls: { type: 'string', default: '10000000' } } })
const CALLS = countOf('calls', values.calls)
const SAMPLES = 20
const MIB = 2 ** 20
const BOXES = 16

const pred = Float32Array.from({ length: 4 * BOXES }, (_, i) => (i % 4 < 2 ? i % 7 : 10 + (i % 5)))
const target = pred.map((x, i) => x + (i % 3) - 1)
const grad = new Float32Array(4 * BOXES)
const out = new Float32Array(BOXES * BOXES)
const backend = 'cpu'
const plan = createPlan('ciou', { boxes: BOXES, backend })
const controller = new AbortController()
controller.abort(new Error('enough'))

/** Most of a hundred calls are cheap. A promise of those that give one. @param {number} call */
function one(call) {
  const kind = call % 100
  if (kind < 50) boxLoss('sca', pred, target, { backend, out: { grad } })
  else if (kind < 90) plan.run()
  else if (kind < 94) boxLoss('giou', pred, target, { backend, reduction: 'none', gradTarget: true, iou: true })
  else if (kind < 96) pairwise('iou', pred, target, { backend, out })
  else if (kind === 96) return boxLossAsync('sca', pred, target, { backend, out: { grad } })
  else if (kind === 97) return boxLossAsync('sca', pred, target, { backend, signal: controller.signal }).catch(() => {})
  else if (kind === 98) refused()
  else createPlan('sca', { boxes: BOXES, backend }).dispose()
}

function refused() {
  try {
    boxLoss('sca', pred, target, { backend, alpha: Number.NaN })
  } catch {
    return
  }
  throw new Error('alpha: NaN was taken')
}

const start = performance.now()
/** @type {{ call: number, rss: number }[]} */
const samples = []
for (let sample = 1, call = 0; sample <= SAMPLES; ++sample) {
  const end = Math.floor((CALLS * sample) / SAMPLES)
  for (; call < end; ++call) {
    const promise = one(call)
    if (promise) await promise
    // Node lets go of memory that is garbage in a later turn alone.
    if (call % 1000 === 0) await setImmediate()
  }
  globalThis.gc?.()
  samples.push({ call, rss: process.memoryUsage.rss() / MIB })
}

// The slope over the second half: what Node and the addon keep for good, they have by then.
const half = samples.slice(SAMPLES / 2)
const mean = (/** @type {number[]} */ numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length
const [x, y] = [mean(half.map(({ call }) => call)), mean(half.map(({ rss }) => rss))]
const slope =
  half.reduce((sum, { call, rss }) => sum + (call - x) * (rss - y), 0) /
  half.reduce((sum, { call }) => sum + (call - x) ** 2, 0)
const report = {
  calls: CALLS,
  rssMiB: y,
  bytesPerCall: slope * MIB,
  growthMiB: half[half.length - 1].rss - half[0].rss,
}
console.log(JSON.stringify({ ...report, seconds: Math.round((performance.now() - start) / 1000) }))
