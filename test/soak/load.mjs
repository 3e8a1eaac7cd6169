// Makes asynchronous calls from many workers at once, of sizes around the limits where calls take another path. Every
// result is compared with the synchronous one on one thread, bit for bit:
//
//   npm run load -- [--seconds 120 | --calls N] [--workers 8]

import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { boxLoss, boxLossAsync } from '../../dist/index.mjs'
import { countOf } from './count.mjs'

/**
 * Boxes: a call stays on its thread up to 16,384, is split among threads from 49,152, and streams from 16 MiB of
 * arrays.
 */
const SIZES = [1, 700, 16_384, 16_385, 49_151, 49_152, 49_153, 349_525, 349_526, 420_003]
const AT_ONCE = 6

/** @param {number} n @param {number} seed */
function boxes(n, seed) {
  const corner = (/** @type {number} */ i) => (((i + seed) * 2_654_435_761) % 9973) / 100
  return Float32Array.from({ length: 4 * n }, (_, i) => (i % 4 < 2 ? corner(i) : 50 + corner(i)))
}

/** @param {{ loss: unknown, grad?: Float32Array, invalid: number }} result */
const bytesOf = ({ loss, grad = new Float32Array(), invalid }) =>
  Buffer.concat([
    Buffer.from(new Float64Array([Number(loss), invalid]).buffer),
    Buffer.from(grad.buffer, grad.byteOffset, grad.byteLength),
  ])

/** @param {{ seed: number, calls: number, seconds: number }} load */
async function work({ seed, calls, seconds }) {
  const cases = SIZES.map((n, i) => {
    const [pred, target] = [boxes(n, seed), boxes(n, seed + 3)]
    const name = /** @type {const} */ (['sca', 'ciou', 'siou'])[(i + seed) % 3]
    return {
      name,
      pred,
      target,
      expected: bytesOf(boxLoss(name, pred, target, { backend: 'cpu', threads: 1, grad: true })),
    }
  })
  const end = performance.now() + 1000 * seconds
  let done = 0
  const one = async () => {
    while (done < calls && performance.now() < end) {
      const call = done++
      const { name, pred, target, expected } = cases[(call * 7 + seed) % cases.length]
      const threads = 1 + (call % 4)
      const out = call % 3 === 0 ? { out: { grad: new Float32Array(pred.length) } } : {}
      const result = await boxLossAsync(name, pred, target, { backend: 'cpu', threads, grad: true, ...out })
      if (!bytesOf(result).equals(expected)) {
        throw new Error(`${name}, ${pred.length / 4} boxes, ${threads} threads: another result than boxLoss gives`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return done
}

async function main() {
  const { values } = parseArgs({
    options: { seconds: { type: 'string' }, calls: { type: 'string' }, workers: { type: 'string', default: '8' } },
  })
  const calls = values.calls === undefined ? Number.POSITIVE_INFINITY : countOf('calls', values.calls)
  const forever = values.seconds === undefined && values.calls !== undefined
  const seconds = forever ? Number.POSITIVE_INFINITY : countOf('seconds', values.seconds ?? '120')
  const workers = countOf('workers', values.workers)
  const start = performance.now()
  const done = await Promise.all(
    Array.from({ length: workers }, async (_, seed) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { seed, calls: calls / workers, seconds } })
      return new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
    }),
  )
  const total = done.reduce((sum, n) => sum + n, 0)
  const rssMiB = Math.round(process.memoryUsage.rss() / 2 ** 20)
  console.log(
    JSON.stringify({
      workers,
      calls: total,
      differences: 0,
      rssMiB,
      seconds: Math.round((performance.now() - start) / 1000),
    }),
  )
}

if (isMainThread) await main()
else parentPort?.postMessage(await work(workerData))
