import { parseArgs } from 'node:util'
import { boxCoder, headLoss } from 'scaloss'

// A detection head trained on typed arrays: a linear layer puts out raw numbers for the cell of each object. One call
// decodes them, computes the loss and returns the gradient for the raw numbers, from which the layer's backward pass
// starts. `--coder detr` trains a head without priors in the same way.

const { values } = parseArgs({
  options: {
    coder: { type: 'string', default: 'yolov5' },
    loss: { type: 'string', default: 'ciou' },
    objects: { type: 'string', default: '500' },
    steps: { type: 'string', default: '400' },
  },
})
const kind = /** @type {import('scaloss').CoderKind} */ (values.coder)
const name = /** @type {import('scaloss').LossName} */ (values.loss)
const [objects, steps] = [Number(values.objects), Number(values.steps)]
const [stride, image, features] = [32, 512, 5]
const coder = boxCoder(kind, kind === 'detr' ? { imageWidth: image, imageHeight: image } : {})
const { columns } = coder

let state = 1
const random = () => {
  state = (state * 48271) % 0x7fffffff
  return state / 0x7fffffff
}
// Each object has a box, the priors of its cell, and features from which its box can be told.
const target = new Float32Array(4 * objects)
const prior = new Float32Array(coder.priorColumns * objects)
const input = new Float32Array(features * objects)
for (let i = 0; i < objects; ++i) {
  const [x, y, w, h] = [image * random(), image * random(), 40 + 80 * random(), 40 + 80 * random()]
  const [left, top] = [x, y].map((at) => stride * Math.floor(at / stride))
  const centre = [left + stride / 2, top + stride / 2]
  target.set([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 4 * i)
  const cell = { yolov3: [left, top, stride, 60, 60], yolov5: [left, top, stride, 60, 60], yolox: [left, top, stride] }
  const point = [...centre, stride]
  const numbers = {
    ...cell,
    ltrb: point,
    dfl: point,
    deltas: [left - 20, top - 20, left + 60, top + 60],
    detr: [0, 0, 0, 0],
  }
  prior.set(numbers[kind], coder.priorColumns * i)
  const place = kind === 'detr' ? [x / image, y / image] : [(x - left) / stride, (y - top) / stride]
  input.set([...place.map((at) => 4 * at - 2), w / 40 - 2, h / 40 - 2, 1], features * i)
}

const weights = new Float32Array(features * columns)
const [mean, square] = [new Float32Array(weights.length), new Float32Array(weights.length)]
const raw = new Float32Array(columns * objects)
const grad = new Float32Array(raw.length)
for (let step = 0; step <= steps; ++step) {
  raw.fill(0)
  for (let i = 0; i < objects; ++i)
    for (let k = 0; k < features; ++k)
      for (let j = 0; j < columns; ++j) raw[columns * i + j] += input[features * i + k] * weights[columns * k + j]
  const options = /** @type {const} */ ({ iou: true, dflWeight: kind === 'dfl' ? 0.5 : 0, out: { grad } })
  const { loss, iou, backend } = headLoss(name, coder, raw, kind === 'detr' ? undefined : prior, target, options)
  if (step === 0) console.log(`${objects} objects, ${name} of ${kind} on ${backend}\n\n    step       loss   mean IoU`)
  if (step % (steps / 10) === 0) {
    const cells = [loss, iou.reduce((sum, x) => sum + x, 0) / objects]
    console.log(String(step).padStart(8), ...cells.map((x) => x.toFixed(4).padStart(10)))
  }
  // Adam, with a rate that falls to 0.
  weights.forEach((_, at) => {
    const [k, j] = [Math.floor(at / columns), at % columns]
    let gradient = 0
    for (let i = 0; i < objects; ++i) gradient += input[features * i + k] * grad[columns * i + j]
    mean[at] += 0.1 * (gradient - mean[at])
    square[at] += 0.01 * (gradient ** 2 - square[at])
    weights[at] -= (0.05 * (1 - step / steps) * mean[at]) / (Math.sqrt(square[at]) + 1e-12)
  })
}
