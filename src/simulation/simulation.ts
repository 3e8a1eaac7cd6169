import { checkBoolean, checkOneOf } from '../arguments/checks.js'
import { readOptions } from '../arguments/options.js'
import { createPlan } from '../calls/plan.js'
import { invalidArgument } from '../core/errors.js'
import { LOSS_NAMES, LOSS_OPTIONS, LOSSES, type LossName } from '../core/losses.js'
import type { BackendName, DType, FloatArray, LossOptions } from '../core/types.js'

// The simulation experiment of the SCALoss paper (Zheng et al., AAAI 2022, section "Simulation Experiment", Fig. 5):
// 3600 anchors of many places, sizes and shapes are each moved onto 5 targets by gradient descent.

/** The ratios width : height of the targets. All have area 16 and centre (10, 10). */
const TARGET_RATIOS = [4, 2, 1, 1 / 2, 1 / 4]
const TARGET_SIDE = 4
const CENTER = 10
/** The square roots of the areas of the anchors at each point of the grid, and their ratios width : height. */
const ANCHOR_SIDES = [2, 4, 6]
const ANCHOR_RATIOS = [2, 1, 1 / 2]
/** The number of points of the grid along each axis. */
const GRID = 20

/** The paper does not give the measures of the grid. */
const GRIDS = {
  /** Most anchors overlap their targets (92 %), as in the paper: points are 0.3 apart, centred on the targets. */
  dense: { first: 7.15, step: 0.3 },
  /** Most anchors do not overlap their targets: there is one point in each cell of a 20 × 20 image, and the targets are
   * in its middle. */
  wide: { first: 0.5, step: 1 },
}
/** How the anchors are placed: `'dense'`, as in the paper's figure, where most overlap their target, or `'wide'`, where
 * most do not. */
export type Geometry = keyof typeof GRIDS
/** All values of `Geometry`. */
export const GEOMETRIES = Object.keys(GRIDS) as Geometry[]

/** The losses that `simulate` accepts: those for boxes with two axes, as the anchors have. */
export const SIMULATION_LOSSES = LOSS_NAMES.filter((name) => LOSSES[name].axes === 2)

/** Options that must fit the size of the boxes, for the losses that have them. */
const FITTING: Partial<Record<LossName, LossOptions>> = {
  /** The wide grid fills this image. */
  mpdiou: { imageWidth: GRID, imageHeight: GRID },
  /** The paper of this loss uses the mean size of the objects. */
  nwd: { constant: TARGET_SIDE },
}

/**
 * Returns the options of a loss that the simulation uses: the given ones, and defaults that fit the size of the boxes.
 *
 * @param name the loss.
 * @param given options of the loss, which replace the defaults.
 * @throws {ScaLossError} `given` has a member that is not an option of a loss.
 */
export function lossOptions(name: LossName, given: LossOptions = {}): LossOptions {
  return { ...FITTING[name], ...readOptions('given', given, OWN_OPTIONS) }
}

/** Options of `simulate`: those of the loss, and how the descent runs. */
export interface SimulationOptions extends LossOptions {
  /** How the anchors are placed. Default `'dense'`. */
  geometry?: Geometry | undefined
  /** The learning rate of the first 80 % of the iterations. It is a tenth of this up to 90 %, and a hundredth after
   * that. Default 0.1. */
  lr?: number | undefined
  /** T, the number of steps. Default 200. */
  iterations?: number | undefined
  /** Whether to multiply each step by 2 − IoU, so that boxes far off take longer steps (Zheng et al., Distance-IoU
   * Loss, AAAI 2020). Default false, as in the paper's Eq. 7. */
  enlarge?: boolean | undefined
  /** The dtype of the boxes and of the computation. Default `'float32'`. */
  dtype?: DType | undefined
  /** The backend to use. Default `'auto'`, as for `boxLoss`. */
  backend?: BackendName | 'auto' | undefined
}

/** The state of a simulation after a number of steps. */
export interface SimulationState {
  /** The number of steps done. */
  iteration: number
  /** The mean IoU over all cases. */
  meanIou: number
  /** Σ |B − G| over all cases and their four coordinates. */
  totalL1: number
  /** [18000, 4] boxes x1, y1, x2, y2 in the order of `simulationCases`. The next step overwrites them, so copy what you
   * keep. */
  boxes: FloatArray
  /** The backend that computes the losses. */
  backend: BackendName
}

const OWN_OPTIONS = ['convention', ...LOSS_OPTIONS]
const OPTIONS = ['geometry', 'lr', 'iterations', 'enlarge', 'dtype', 'backend', ...OWN_OPTIONS]

/** Returns the corners of a box with area side² and a ratio width : height. */
function corners(cx: number, cy: number, side: number, ratio: number): number[] {
  const halfWidth = (side * Math.sqrt(ratio)) / 2
  const halfHeight = side / Math.sqrt(ratio) / 2
  return [cx - halfWidth, cy - halfHeight, cx + halfWidth, cy + halfHeight]
}

/**
 * Returns every pair of anchor and target as two flat lists of 18,000 boxes x1, y1, x2, y2. Anchors are ordered by row,
 * column, size and shape; each is repeated for the 5 targets.
 *
 * @param geometry how the anchors are placed. Default `'dense'`.
 * @throws {ScaLossError} `geometry` is not one of `GEOMETRIES`.
 */
export function simulationCases(geometry: Geometry = 'dense'): { boxes: number[]; targets: number[] } {
  checkOneOf('geometry', geometry, GEOMETRIES)
  const { first, step } = GRIDS[geometry]
  const grid = Array.from({ length: GRID }, (_, i) => first + step * i)
  const anchors = grid.flatMap((y) =>
    grid.flatMap((x) => ANCHOR_SIDES.flatMap((side) => ANCHOR_RATIOS.map((ratio) => corners(x, y, side, ratio)))),
  )
  const targets = TARGET_RATIOS.map((ratio) => corners(CENTER, CENTER, TARGET_SIDE, ratio))
  return {
    boxes: anchors.flatMap((anchor) => targets.flatMap(() => anchor)),
    targets: anchors.flatMap(() => targets.flat()),
  }
}

/**
 * Returns the learning rate of the step that leads to iteration t.
 *
 * @param lr the rate of the first 80 % of the iterations.
 * @param t the iteration, from 1 to T.
 * @param iterations T, the number of steps.
 */
export function learningRate(lr: number, t: number, iterations: number): number {
  if (10 * t <= 8 * iterations) return lr
  return 10 * t <= 9 * iterations ? 0.1 * lr : 0.01 * lr
}

/**
 * Runs gradient descent on all cases at once: B_t = B_(t−1) − rate · ∇. This is the paper's Eq. 7 with the opposite
 * sign, because as printed it would climb. Yields the state before the first step and after each one, T + 1 states in
 * all.
 *
 * @param name any loss for boxes with two axes. Options that it requires have defaults here (`lossOptions`).
 * @throws {ScaLossError} on the first `next()`: an argument is not as described, or the backend cannot run.
 */
export function* simulate(name: LossName, options: SimulationOptions = {}): Generator<SimulationState, void, void> {
  checkOneOf('name', name, SIMULATION_LOSSES)
  const given = readOptions('options', options, OPTIONS)
  const { geometry = 'dense', lr = 0.1, iterations = 200, enlarge = false, ...others } = given
  const { dtype = 'float32', backend = 'auto', ...own } = others
  if (!(Number.isFinite(lr) && lr > 0)) throw invalidArgument('lr', 'a finite number above 0', lr)
  if (!(Number.isSafeInteger(iterations) && iterations >= 0)) {
    throw invalidArgument('iterations', 'a whole number from 0 on', iterations)
  }
  checkBoolean('enlarge', enlarge)
  const cases = simulationCases(geometry)
  const boxes = cases.boxes.length / 4
  // With 'sum', the gradient of each box is not divided by their number.
  const plan = createPlan(name, { ...lossOptions(name, own), boxes, dtype, backend, reduction: 'sum', iou: true })
  const { pred, target, grad, iou } = plan
  pred.set(cases.boxes)
  target.set(cases.targets)
  try {
    for (let t = 0; ; t++) {
      plan.run()
      yield { iteration: t, ...progress(pred, target, iou), boxes: pred, backend: plan.backend }
      if (t === iterations) return
      const rate = learningRate(lr, t + 1, iterations)
      for (let i = 0; i < pred.length; i++) pred[i] -= rate * (enlarge ? 2 - iou[i >> 2] : 1) * grad[i]
    }
  } finally {
    plan.dispose()
  }
}

function progress(boxes: FloatArray, targets: FloatArray, iou: FloatArray): { meanIou: number; totalL1: number } {
  let sum = 0
  for (const value of iou) sum += value
  let totalL1 = 0
  for (let i = 0; i < boxes.length; i++) totalL1 += Math.abs(boxes[i] - targets[i])
  return { meanIou: sum / iou.length, totalL1 }
}
