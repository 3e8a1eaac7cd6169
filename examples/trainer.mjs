import { parseArgs } from 'node:util'
import { createPlan } from 'scaloss'

// A trainer on typed arrays: moves boxes onto their targets by gradient descent with momentum. In a model, `plan.pred`
// would be what its last layer writes, and `plan.grad` what its backward pass starts from.

const { values } = parseArgs({
  options: {
    loss: { type: 'string', default: 'sca' },
    boxes: { type: 'string', default: '1000' },
    steps: { type: 'string', default: '200' },
    lr: { type: 'string', default: '20' },
    momentum: { type: 'string', default: '0.9' },
  },
})
const [boxes, steps, lr, momentum] = [values.boxes, values.steps, values.lr, values.momentum].map(Number)
const name = /** @type {import('scaloss').LossName} */ (values.loss)

// One plan for all steps: it owns its arrays, and a run allocates nothing. `sum` makes the step of a box independent of
// how many boxes there are.
const plan = createPlan(name, { boxes, reduction: 'sum', iou: true })
const velocity = new Float32Array(plan.pred.length)

// Targets of 20 to 100 pixels a side, and predictions some way off. The same numbers in every run.
let state = 1
const random = () => {
  state = (state * 48271) % 0x7fffffff
  return state / 0x7fffffff
}
for (let i = 0; i < plan.pred.length; i += 4) {
  const [x, y, width, height] = [500 * random(), 500 * random(), 20 + 80 * random(), 20 + 80 * random()]
  plan.target.set([x, y, x + width, y + height], i)
  const [dx, dy, wider, higher] = Array.from({ length: 4 }, () => random() - 0.5)
  plan.pred.set([x + 40 * dx, y + 40 * dy, x + 40 * dx + width * (1 + wider), y + 40 * dy + height * (1 + higher)], i)
}

console.log(`${boxes} boxes, ${name} on ${plan.backend}\n\n    step  mean loss   mean IoU`)
for (let step = 0; step <= steps; step++) {
  const { loss, grad, iou } = plan.run()
  if (step % (steps / 10) === 0) {
    const cells = [loss / boxes, iou.reduce((sum, x) => sum + x, 0) / boxes]
    console.log(String(step).padStart(8), ...cells.map((x) => x.toFixed(4).padStart(10)))
  }
  // Smaller steps towards the end: the gradient of such a loss keeps its length up to the match.
  const rate = lr * (1 - step / steps)
  for (let k = 0; k < grad.length; k++) {
    velocity[k] = momentum * velocity[k] - rate * grad[k]
    plan.pred[k] += velocity[k]
  }
}
plan.dispose()
