import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { boxLoss } from 'scaloss'

// Computes loss and gradient off the main thread, which stays free, for example for the next batch. The memory of the
// boxes is transferred to the workers and that of the gradients back, so nothing is copied.

/** @typedef {{ pred: Float32Array<ArrayBuffer>, target: Float32Array<ArrayBuffer>, boxes: number }} Part */
/** @typedef {{ loss: number, grad: Float32Array<ArrayBuffer> }} Result */

const WORKERS = 2
const BOXES = 200_000

if (isMainThread) await main()
else parentPort?.on('message', work)

/** Of one part of a batch; `boxes` is the size of the whole batch, of which this gives a part of the mean. */
function work(/** @type {Part} */ { pred, target, boxes }) {
  const { loss, grad } = boxLoss('sca', pred, target, { reduction: 'sum', normalizer: boxes })
  parentPort?.postMessage({ loss, grad }, [/** @type {ArrayBuffer} */ (grad.buffer)])
}

async function main() {
  const target = Float32Array.from({ length: 4 * BOXES }, (_, k) => ((k * 7919) % 500) + (k % 4 < 2 ? 0 : 600))
  const pred = target.map((x, k) => x + ((k * 104729) % 97) - 48)

  const workers = Array.from({ length: WORKERS }, () => new Worker(new URL(import.meta.url)))
  const rows = Math.ceil(BOXES / WORKERS)
  const results = await Promise.all(
    workers.map((worker, i) => {
      // Buffers that are sent are gone from here, so each part gets its own.
      const [part, partOfTarget] = [pred, target].map((array) => array.slice(4 * rows * i, 4 * rows * (i + 1)))
      return ask(worker, { pred: part, target: partOfTarget, boxes: BOXES })
    }),
  )
  await Promise.all(workers.map((worker) => worker.terminate()))

  const grad = new Float32Array(4 * BOXES)
  for (const [i, result] of results.entries()) grad.set(result.grad, 4 * rows * i)
  const loss = results.reduce((sum, result) => sum + result.loss, 0)

  const whole = boxLoss('sca', pred, target)
  console.log(`${BOXES} boxes on ${WORKERS} workers: loss ${loss.toFixed(6)}, in one call ${whole.loss.toFixed(6)}`)
  console.log(`gradients are the same to the bit: ${grad.every((g, k) => Object.is(g, whole.grad[k]))}`)
}

/** @param {Worker} worker @param {Part} part @returns {Promise<Result>} */
function ask(worker, part) {
  worker.postMessage(part, [part.pred.buffer, part.target.buffer])
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
}
