import { fork } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Runs one training of the comparison in a separate process.

/**
 * @import { Settings } from './settings.mjs'
 * @import { Progress, Result } from './train-detector.mjs'
 * @typedef {{ name: string, settings: Settings, folder: string }} Run
 */

/**
 * @param {Run} run
 * @returns {Result | undefined} Nothing if it has not finished.
 */
export function readResult({ folder, settings }) {
  const path = join(folder, 'result.json')
  if (!existsSync(path)) return undefined
  /** @type {Result} */
  const result = JSON.parse(readFileSync(path, 'utf8'))
  if (JSON.stringify(result.settings) !== JSON.stringify(settings))
    throw new Error(`${path} has other settings than this comparison; use another --out`)
  return result
}

/**
 * Trains, or goes on from the checkpoint of before.
 * @param {Run} run
 * @param {AbortSignal} signal
 * @param {(progress: Progress) => void} onStep
 * @returns {Promise<Result | undefined>} Nothing if the signal ended it.
 */
export async function trainInProcess(run, signal, onStep) {
  const { heldOut, ...settings } = run.settings
  const options = Object.entries({ ...settings, 'held-out': heldOut, out: run.folder })
  const args = options.flatMap(([name, value]) => (value === undefined ? [] : `--${name}=${value}`))
  const train = fileURLToPath(new URL('train.mjs', import.meta.url))
  const child = fork(train, args, { silent: true })
  let errors = ''
  child.stderr?.on('data', (text) => {
    errors += text
  })
  child.on('message', (message) => onStep(/** @type {Progress} */ (message)))
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  /** @type {number | null} */
  const code = await new Promise((resolve) => child.once('close', resolve))
  signal.removeEventListener('abort', stop)
  if (code === 0) {
    rmSync(join(run.folder, 'checkpoint.bin'))
    return readResult(run)
  }
  if (signal.aborted) return undefined
  throw new Error(`${run.name}, seed ${settings.seed}: the training ended with exit code ${code}\n${errors}`)
}
