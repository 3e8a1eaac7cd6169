import { averagePrecision, readGroundTruth } from '../../src/coco.js'
import * as scaloss from '../../src/index.js'
import { simulate } from '../../src/simulation.js'
import { everyCall, everyHead, everyLoss } from './calls.js'

// What the tests ask a page. It is bundled with the package that a user would have.

const { backends, boxLoss } = scaloss

const messageOf = (call: () => unknown) => {
  try {
    return `no error: ${call()}`
  } catch (error) {
    return `${error}`
  }
}

const answers = {
  backends,
  everyLoss: () => everyLoss(scaloss, 'wasm'),
  everyHead: () => everyHead(scaloss, 'wasm'),
  everyCall: () => everyCall(scaloss, 'wasm'),
  /** The backend of a call that names none. */
  backend: () => boxLoss('sca', new Float32Array(4), new Float32Array(4)).backend,
  averagePrecision: () => {
    const box = { imageId: 1, categoryId: 1, bbox: [0, 0, 1, 1] as [number, number, number, number] }
    return averagePrecision([box], [{ ...box, score: 1 }]).ap
  },
  readingFiles: () => messageOf(() => readGroundTruth('truth.json')),
  simulated: () => [...simulate('sca', { iterations: 1 })].map(({ meanIou }) => meanIou),
}
export type Answers = typeof answers

Object.assign(globalThis, { answers })
