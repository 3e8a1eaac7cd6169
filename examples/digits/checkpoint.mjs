import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'

// Saves and loads the state of a training.

/**
 * @import { AdamState } from './adam.mjs'
 * @import { Point } from './train-detector.mjs'
 * @import { Settings } from './settings.mjs'
 * @typedef {object} Checkpoint
 * @property {Settings} settings
 * @property {AdamState} optimizer
 * @property {Point[]} curve
 * @property {number} seconds Of training so far.
 */

/**
 * Either the old or the new checkpoint is there whenever the process ends.
 * @param {string} path
 * @param {Checkpoint} checkpoint
 */
export function writeCheckpoint(path, checkpoint) {
  writeFileSync(`${path}.part`, serialize(checkpoint))
  renameSync(`${path}.part`, path)
}

/**
 * @param {string} path
 * @param {Settings} settings Of the training that wants to go on from it.
 * @returns {Checkpoint | undefined} Nothing if there is none.
 */
export function readCheckpoint(path, settings) {
  if (!existsSync(path)) return undefined
  /** @type {Checkpoint} */
  const checkpoint = deserialize(readFileSync(path))
  const names = /** @type {(keyof Settings)[]} */ (Object.keys({ ...checkpoint.settings, ...settings }))
  for (const name of names) {
    const [before, now] = [checkpoint.settings[name], settings[name]]
    if (before !== now)
      throw new Error(
        `${path} is of a training with ${name} ${before}, this one has ${now}; use another --out, or --fresh`,
      )
  }
  return checkpoint
}
