import { MultiBar, Presets, SingleBar } from 'cli-progress'

// How far a training is: a bar on a terminal, messages to a parent process, a line now and then elsewhere.

/** @import { Progress } from './train-detector.mjs' */

const FORMAT = ' {bar} {value}/{total}  loss {loss}  IoU {iou}  {rate} images/s  {eta_formatted} left'
const LINES = 10

/**
 * @param {{ steps: number }} settings
 * @returns {{ update(progress: Progress): void, stop(): void }}
 */
export function progressBar({ steps }) {
  if (process.send) return { update: (progress) => process.send?.(progress), stop: () => process.disconnect() }
  if (!process.stderr.isTTY)
    return {
      update({ step, loss, iou, imagesPerSecond }) {
        if (step % Math.ceil(steps / LINES) !== 0 && step !== steps) return
        console.error(
          `${step}/${steps}  loss ${loss.toFixed(3)}  IoU ${iou.toFixed(3)}  ${imagesPerSecond.toFixed(0)} images/s`,
        )
      },
      stop: () => {},
    }
  const bar = new SingleBar({ format: FORMAT, hideCursor: true, etaBuffer: 50 }, Presets.shades_classic)
  let started = false
  return {
    update({ step, loss, iou, imagesPerSecond }) {
      const shown = { loss: loss.toFixed(3), iou: iou.toFixed(3), rate: imagesPerSecond.toFixed(0) }
      if (!started) bar.start(steps, step, shown)
      else bar.update(step, shown)
      started = true
    },
    stop: () => bar.stop(),
  }
}

/**
 * Of a comparison: on a terminal one bar for all trainings and one for each that runs, elsewhere a line for each that has ended.
 * @param {number} count Of all trainings.
 * @param {number} finished Of these, before.
 */
export function progressBars(count, finished) {
  let done = finished
  if (!process.stderr.isTTY)
    return {
      start: (/** @type {string} */ name) => ({
        update() {},
        finish: () => console.error(`${++done}/${count}  ${name}`),
        stop() {},
      }),
      stop() {},
    }
  const bars = new MultiBar(
    { format: ' {bar} {value}/{total}  {name}, {eta_formatted} left', hideCursor: true },
    Presets.shades_classic,
  )
  const all = bars.create(count, done, { name: 'trainings' })
  return {
    /**
     * @param {string} name
     * @param {number} steps
     */
    start(name, steps) {
      const bar = bars.create(steps, 0, { name })
      return {
        /** @param {Progress} progress */
        update({ step, iou, imagesPerSecond }) {
          bar.update(step, { name: `${name}, IoU ${iou.toFixed(2)}, ${imagesPerSecond.toFixed(0)} images/s` })
        },
        finish: () => all.update(++done, { name: 'trainings' }),
        stop: () => bars.remove(bar),
      }
    },
    stop: () => bars.stop(),
  }
}
