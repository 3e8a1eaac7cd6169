// Hashes of the results of every loss, for the golden pairs and for random ones, and of every coder. Runs on any Node,
// without the test runner.
const { createHash } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { gunzipSync } = require('node:zlib')

const dist = join(__dirname, '../../../dist')
const { boxCoder, boxLoss, headLoss, pairwise } = require(join(dist, 'index.js'))
const { LOSSES, LOSS_NAMES } = require(join(dist, 'core/losses.js'))
const { mulberry32 } = require(join(dist, 'grad-check/pairs.js'))

/** Boxes around every size of float32, the same everywhere: only whole numbers and powers of two.
 * @param {number} columns */
function random(columns) {
  const uniform = mulberry32(20220217)
  const below = (/** @type {number} */ limit) => Math.floor(limit * uniform())
  return Array.from({ length: 4099 * columns }, () => (below(8191) - 4096) * 2 ** (below(40) - 30))
}

/** A short hash of numbers and of arrays; the sign of a NaN is the CPU's own.
 * @param {...(number | Float32Array | Float64Array | undefined)} results */
function digest(...results) {
  const hash = createHash('sha256')
  for (const result of results) {
    if (typeof result !== 'object') hash.update(String(result))
    else hash.update(new Uint8Array(result.map((value) => (Number.isNaN(value) ? 404 : value)).buffer))
  }
  return hash.digest('hex').slice(0, 16)
}

/** @param {string} name */
const vectors = (name) => JSON.parse(gunzipSync(readFileSync(join(__dirname, '../../data', name))).toString())

function pairs() {
  const golden = vectors('golden.json.gz')
  return {
    2: [...golden.categories, { name: 'random', pred: random(4), target: random(4).reverse() }],
    3: [golden.boxes3d, { name: 'random', pred: random(6), target: random(6).reverse() }],
  }
}

/** Returns a hash for each loss, in the SIMD level in force. @returns {[loss: string, hash: string][]} */
function resultsOfLosses() {
  const sets = pairs()
  return LOSS_NAMES.map((/** @type {string} */ name) => {
    const axes = name.endsWith('3') ? 3 : 2
    const demanded = LOSSES[name].options.includes('imageWidth') ? { imageWidth: 640, imageHeight: 480 } : {}
    const results = []
    for (const { pred, target } of sets[axes])
      for (const TypedArray of [Float32Array, Float64Array])
        for (const reduction of ['none', 'mean']) {
          const boxes = [TypedArray.from(pred), TypedArray.from(target)]
          const options = { ...demanded, reduction, gradTarget: true, iou: true, backend: 'cpu' }
          const { invalid, loss, grad, gradTarget, iou } = boxLoss(name, ...boxes, options)
          results.push(invalid, loss, grad, gradTarget, iou)
          if (reduction === 'mean') continue
          const few = boxes.map((array) => array.subarray(0, 2 * axes * 20))
          results.push(pairwise(name, ...few, { ...demanded, backend: 'cpu' }))
        }
    return [name, digest(...results)]
  })
}

/** Returns a hash for each set of golden vectors of heads, in the SIMD level in force. */
function resultsOfHeads() {
  return vectors('heads.json.gz').sets.map((/** @type {Record<string, any>} */ set, /** @type {number} */ i) => {
    const { minLogSize, maxLogSize, targetClamp, ...others } = set.options
    const clamps = {
      minLogSize: minLogSize ?? Number.NEGATIVE_INFINITY,
      maxLogSize: maxLogSize ?? Number.POSITIVE_INFINITY,
    }
    const coder = boxCoder(set.coder, set.coder === 'deltas' ? { ...others, ...clamps } : others)
    const results = [Float32Array, Float64Array].flatMap((TypedArray) => {
      const [raw, prior, target] = [set.raw, set.prior, set.target].map((numbers) => TypedArray.from(numbers))
      const options = { backend: 'cpu', boxes: true, gradTarget: true }
      const { loss, grad, gradTarget, boxes } = headLoss(
        'ciou',
        coder,
        raw,
        prior.length ? prior : undefined,
        target,
        options,
      )
      return [loss, grad, gradTarget, boxes]
    })
    return [`${set.coder}-${i}`, digest(...results)]
  })
}

module.exports = { digest, resultsOfHeads, resultsOfLosses }
