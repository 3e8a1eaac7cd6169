import { clearLine, cursorTo } from 'node:readline'

// Reports the progress of a training: on a terminal in a line that is rewritten, to a parent process in messages, and
// elsewhere in a line now and then.

/** @import { Progress } from './train-detector.mjs' */

const LINES = 10
/** Milliseconds between two changes of a line on a terminal. */
const INTERVAL = 100

/** A line on stderr, which must be a terminal. */
function terminalLine() {
  let next = 0
  return {
    /** @param {string} text */
    show(text) {
      if (performance.now() < next) return
      next = performance.now() + INTERVAL
      clearLine(process.stderr, 0)
      cursorTo(process.stderr, 0)
      // A longer one would go on in a second line, which nothing removes.
      process.stderr.write(text.slice(0, (process.stderr.columns || 80) - 1))
    },
    remove() {
      clearLine(process.stderr, 0)
      cursorTo(process.stderr, 0)
    },
  }
}

/**
 * @param {{ steps: number, batch: number }} settings
 * @returns {{ update(progress: Progress): void, stop(): void }}
 */
export function trainingProgress({ steps, batch }) {
  if (process.send) return { update: (progress) => process.send?.(progress), stop: () => process.disconnect() }
  const text = (/** @type {Progress} */ { step, loss, iou, imagesPerSecond }) =>
    `${step}/${steps}  loss ${loss.toFixed(3)}  IoU ${iou.toFixed(3)}  ${imagesPerSecond.toFixed(0)} images/s`
  if (!process.stderr.isTTY)
    return {
      update(progress) {
        if (progress.step % Math.ceil(steps / LINES) === 0 || progress.step === steps) console.error(text(progress))
      },
      stop() {},
    }
  const line = terminalLine()
  return {
    update(progress) {
      const left = (batch * (steps - progress.step)) / progress.imagesPerSecond
      line.show(`${text(progress)}  ${Math.ceil(left)} s left`)
    },
    stop: line.remove,
  }
}

/**
 * Reports the progress of a comparison. On a terminal it shows how many trainings have ended, and how far the others
 * are. Elsewhere it writes a line for each training that has ended.
 * @param {number} count Of all trainings.
 * @param {number} finished Of these, before.
 */
export function comparisonProgress(count, finished) {
  let done = finished
  const line = process.stderr.isTTY ? terminalLine() : undefined
  /** @type {Map<string, string>} */
  const running = new Map()
  const show = () => line?.show([`${done}/${count} trainings`, ...running.values()].join('; '))
  return {
    /**
     * @param {string} name
     * @param {number} steps
     */
    start: (name, steps) => ({
      /** @param {Progress} progress */
      update({ step, iou }) {
        running.set(name, `${name}: ${Math.floor((100 * step) / steps)} %, IoU ${iou.toFixed(2)}`)
        show()
      },
      finish() {
        done++
        if (!line) console.error(`${done}/${count}  ${name}`)
      },
      stop: () => void running.delete(name),
    }),
    stop: () => line?.remove(),
  }
}
