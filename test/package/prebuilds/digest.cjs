// node digest.cjs DIST prints hashes of the results of every loss for the golden pairs and for random ones. It runs on
// any Node, without the test runner.
const { createHash } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { gunzipSync } = require('node:zlib')

const dist = process.argv[2] ?? join(__dirname, '../../../dist')
const { backends, boxLoss, pairwise } = require(join(dist, 'index.js'))
const { LOSSES, LOSS_NAMES } = require(join(dist, 'core/losses.js'))
const { mulberry32 } = require(join(dist, 'grad-check/pairs.js'))
const golden = JSON.parse(gunzipSync(readFileSync(join(__dirname, '../../data/golden.json.gz'))).toString())

const { cpu } = backends()
if (!cpu.available) throw new Error(cpu.message)
console.log(`levels ${cpu.simdLevels.join()}`)

/** Boxes around every size of float32, the same everywhere: only whole numbers and powers of two.
 * @param {number} columns */
function random(columns) {
  const uniform = mulberry32(20220217)
  const below = (/** @type {number} */ limit) => Math.floor(limit * uniform())
  return Array.from({ length: 4099 * columns }, () => (below(8191) - 4096) * 2 ** (below(40) - 30))
}

/** Bytes of an array; the sign of a NaN is the CPU's own.
 * @param {Float32Array | Float64Array} array */
function bytes(array) {
  const same = array.map((/** @type {number} */ value) => (Number.isNaN(value) ? 404 : value))
  return new Uint8Array(same.buffer)
}

const sets = {
  2: [...golden.categories, { name: 'random', pred: random(4), target: random(4).reverse() }],
  3: [golden.boxes3d, { name: 'random', pred: random(6), target: random(6).reverse() }],
}

for (const name of LOSS_NAMES) {
  const axes = name.endsWith('3') ? 3 : 2
  const demanded = LOSSES[name].options.includes('imageWidth') ? { imageWidth: 640, imageHeight: 480 } : {}
  const hash = createHash('sha256')
  for (const { pred, target } of sets[axes])
    for (const TypedArray of [Float32Array, Float64Array])
      for (const reduction of ['none', 'mean']) {
        const boxes = [TypedArray.from(pred), TypedArray.from(target)]
        const result = boxLoss(name, ...boxes, { ...demanded, reduction, gradTarget: true, iou: true, backend: 'cpu' })
        hash.update(`${result.invalid} ${reduction === 'mean' ? result.loss : ''}`)
        for (const array of [result.loss, result.grad, result.gradTarget, result.iou])
          if (typeof array === 'object') hash.update(bytes(array))
        if (reduction === 'mean') continue
        const few = boxes.map((array) => array.subarray(0, 2 * axes * 20))
        hash.update(bytes(pairwise(name, ...few, { ...demanded, backend: 'cpu' })))
      }
  console.log(`${name} ${hash.digest('hex').slice(0, 16)}`)
}
