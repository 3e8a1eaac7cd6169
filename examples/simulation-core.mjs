import { boxLoss } from 'scaloss'

// The simulation experiment of the SCALoss paper (Zheng et al., AAAI 2022, section "Simulation Experiment"): 3600 anchors of
// several places, sizes and shapes are each moved onto 5 targets by gradient descent, and the mean IoU tells how fast a loss works.

/** Width : height of the targets, all of area 16 around (10, 10). */
const TARGET_RATIOS = [4, 2, 1, 1 / 2, 1 / 4]
/** Anchor sides (area side²) and shapes, at each point of a 20 x 20 grid around the targets. */
const ANCHOR_SIDES = [2, 4, 6]
const ANCHOR_RATIOS = [2, 1, 1 / 2]
const GRID = Array.from({ length: 20 }, (_, i) => 7.15 + 0.3 * i)

/**
 * Corners of a box of a given area and width : height.
 * @param {number} cx
 * @param {number} cy
 * @param {number} side Square root of the area.
 * @param {number} ratio
 */
function corners(cx, cy, side, ratio) {
  const halfWidth = (side * Math.sqrt(ratio)) / 2
  const halfHeight = side / Math.sqrt(ratio) / 2
  return [cx - halfWidth, cy - halfHeight, cx + halfWidth, cy + halfHeight]
}

/** Every anchor against every target: two flat lists of 18,000 boxes x1,y1,x2,y2. */
export function makeCases() {
  /** @type {number[]} */
  const boxes = []
  /** @type {number[]} */
  const targets = []
  for (const y of GRID)
    for (const x of GRID)
      for (const side of ANCHOR_SIDES)
        for (const ratio of ANCHOR_RATIOS)
          for (const targetRatio of TARGET_RATIOS) {
            boxes.push(...corners(x, y, side, ratio))
            targets.push(...corners(10, 10, 4, targetRatio))
          }
  return { boxes, targets }
}

/**
 * Gradient descent on all cases at once, one `boxLoss` call a step. Yields the state before the first step and after each one.
 * @param {import('scaloss').LossName} name
 * @param {{ lr?: number, iterations?: number, backend?: import('scaloss').BackendName | 'auto',
 *   Boxes?: Float32ArrayConstructor | Float64ArrayConstructor }} [options]
 */
export function* simulate(name, { lr = 0.1, iterations = 200, backend = 'auto', Boxes = Float32Array } = {}) {
  const cases = makeCases()
  const boxes = Boxes.from(cases.boxes)
  const targets = Boxes.from(cases.targets)
  const out = { grad: new Boxes(boxes.length), iou: new Boxes(boxes.length / 4) }

  for (let t = 0; ; t++) {
    // 'sum' leaves each box its own, undivided gradient. `out` is filled anew each time: nothing is allocated in the loop.
    const { backend: used } = boxLoss(name, boxes, targets, { reduction: 'sum', iou: true, backend, out })
    let sum = 0
    for (const iou of out.iou) sum += iou
    yield { iteration: t, meanIou: sum / out.iou.length, backend: used }
    if (t >= iterations) return

    // The step that leads to t + 1: the rate falls to a tenth for the last fifth, to a hundredth for the last tenth.
    const done = (t + 1) / iterations
    const rate = done <= 0.8 ? lr : done <= 0.9 ? 0.1 * lr : 0.01 * lr
    // Boxes far off take longer steps: the factor 2 - IoU scales the step and is not part of the loss.
    for (let i = 0; i < boxes.length; i++) boxes[i] -= rate * (2 - out.iou[i >> 2]) * out.grad[i]
  }
}
