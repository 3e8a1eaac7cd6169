import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
// The gradients of TensorFlow's own operations come with it.
import '@tensorflow/tfjs-layers'
import { registerConvolutionGradients } from './convolution-gradient.mjs'

// Starts TensorFlow.js.

/** `tensorflow` is tfjs-node, for those who have it. */
export const BACKENDS = ['wasm', 'tensorflow']

/** @param {string} name One of BACKENDS. */
export async function startTensorFlow(name) {
  // Without it, the first operation recommends tfjs-node on stderr.
  tf.env().set('PROD', true)
  if (name === 'wasm') {
    setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`)
    registerConvolutionGradients()
  } else await importTfjsNode()
  // One that cannot start is silently replaced by the next.
  await tf.setBackend(name)
  if (tf.getBackend() !== name) throw new Error(`backend: TensorFlow.js cannot start ${name} here`)
}

async function importTfjsNode() {
  const name = '@tensorflow/tfjs-node'
  try {
    await import(name)
  } catch (error) {
    throw new Error(`backend: tensorflow needs the package ${name}, which does not load here`, { cause: error })
  }
}
