import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTensorFlow } from './backend.mjs'
import { integer, positive, readArguments, runCommand } from './command-line.mjs'
import { METRICS } from './evaluate.mjs'
import { trainingProgress } from './progress.mjs'
import { commonSettings, lossSetting, OPTIONS, OPTIONS_HELP } from './settings.mjs'
import { drawSheet } from './sheet.mjs'
import { trainDetector } from './train-detector.mjs'

// npm run train: trains a detector of digits with a loss of this package (README.md).

/** @import { Settings } from './settings.mjs' */

const HELP = `usage: npm run train -- [options]

Trains a small detector on canvases of handwritten digits, then reports COCO's average precision on digits that it has not seen
and draws what it found. Ctrl-C stops it; the same command goes on from there.

  --loss <name>            loss of the boxes, any of scaloss (default sca)
  --alpha <x>              of sca and iou_cd
  --seed <n>               of weights and canvases (default 1)
  --out <folder>           checkpoint, result.json and sheet.svg (default build/digits/LOSS-SEED)
  --fresh                  start over
${OPTIONS_HELP}`

function readOptions() {
  const values = readArguments({
    ...OPTIONS,
    loss: { type: 'string', default: 'sca' },
    alpha: { type: 'string' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
    fresh: { type: 'boolean', default: false },
  })
  if (values.help) return undefined
  /** @type {Settings} */
  const settings = {
    ...lossSetting(values.loss, values.alpha === undefined ? undefined : positive('alpha', values.alpha)),
    seed: integer('seed', values.seed, 0),
    ...commonSettings(values),
  }
  const name = values.alpha === undefined ? values.loss : `${values.loss}-${values.alpha}`
  const out = values.out ?? join('build', 'digits', `${name}-seed${settings.seed}`)
  return { settings, out, fresh: values.fresh }
}

/**
 * @param {NonNullable<ReturnType<typeof readOptions>>} options
 * @param {AbortSignal} signal
 */
async function train({ settings, out, fresh }, signal) {
  mkdirSync(out, { recursive: true })
  const checkpoint = join(out, 'checkpoint.bin')
  if (fresh) rmSync(checkpoint, { force: true })
  await startTensorFlow(settings.backend)
  const progress = trainingProgress(settings)
  const trained = await trainDetector(settings, { checkpoint, signal, onStep: progress.update }).finally(progress.stop)
  if (!trained) {
    console.error(`stopped; the same command goes on from ${checkpoint}`)
    return false
  }
  const { result, canvases, found } = trained
  writeFileSync(join(out, 'result.json'), `${JSON.stringify(result, null, 1)}\n`)
  drawSheet(join(out, 'sheet.svg'), canvases, found)
  console.log(METRICS.map((name) => name.padStart(6)).join(''))
  console.log(METRICS.map((name) => result.scores[name].toFixed(1).padStart(6)).join(''))
  console.log(`\n${settings.loss}, ${settings.heldOut} held-out canvases, ${result.seconds} s; more in ${out}`)
  return true
}

await runCommand(HELP, readOptions, train)
