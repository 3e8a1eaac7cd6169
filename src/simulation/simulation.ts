import { checkBoolean, checkOneOf } from '../arguments/checks.js'
import { readOptions } from '../arguments/options.js'
import { createPlan } from '../calls/plan.js'
import { invalidArgument } from '../core/errors.js'
import { LOSS_NAMES, LOSS_OPTIONS, LOSSES, type LossName } from '../core/losses.js'
import type { BackendName, DType, FloatArray, LossOptions } from '../core/types.js'

// The simulation experiment of the SCALoss paper (Zheng et al., AAAI 2022, section "Simulation Experiment", Fig. 5): 3600 anchors
// of many places, sizes and shapes are each moved onto 5 targets by gradient descent.

/** Width : height of the targets, all of area 16 around (10, 10). */
const TARGET_RATIOS = [4, 2, 1, 1 / 2, 1 / 4]
const TARGET_SIDE = 4
const CENTER = 10
/** Square roots of the anchors' areas, and their width : height, at each point of the grid. */
const ANCHOR_SIDES = [2, 4, 6]
const ANCHOR_RATIOS = [2, 1, 1 / 2]
/** Points of the grid along each axis. */
const GRID = 20

/** The paper gives the grid no measures. */
const GRIDS = {
  /** Most anchors overlap their targets (92 %), as the paper has it: 0.3 apart, centred on the targets. */
  dense: { first: 7.15, step: 0.3 },
  /** Most do not: one anchor centre to each cell of a 20 × 20 image, the targets in its middle. */
  wide: { first: 0.5, step: 1 },
}
/** How the anchors lie: `'dense'` as in the paper's figure, where most overlap their target, or `'wide'`, where most do not. */
export type Geometry = keyof typeof GRIDS
/** Every `Geometry`. */
export const GEOMETRIES = Object.keys(GRIDS) as Geometry[]

/** Losses for boxes of two axes, as the anchors are. */
export const SIMULATION_LOSSES = LOSS_NAMES.filter((name) => LOSSES[name].axes === 2)

/** Options that must fit the size of the boxes, for the losses that have them. */
const FITTING: Partial<Record<LossName, LossOptions>> = {
  /** The wide grid fills this image. */
  mpdiou: { imageWidth: GRID, imageHeight: GRID },
  /** The mean size of the objects, as the loss' paper chooses it. */
  nwd: { constant: TARGET_SIDE },
}

/** The options of a loss itself that the simulation runs it with: those given, over those that fit the size of the boxes. */
export function lossOptions(name: LossName, given: LossOptions = {}): LossOptions {
  return { ...FITTING[name], ...readOptions('given', given, OWN_OPTIONS) }
}

export interface SimulationOptions extends LossOptions {
  /** Where the anchors stand. Default `'dense'`. */
  geometry?: Geometry | undefined
  /** Learning rate of the first 80 % of the iterations; a tenth of it up to 90 %, a hundredth from there. Default 0.1. */
  lr?: number | undefined
  /** T, steps of descent. Default 200. */
  iterations?: number | undefined
  /** Multiply each step by 2 − IoU, so that boxes far off take longer steps (Zheng et al., Distance-IoU Loss, AAAI 2020).
   * Default false, as in the paper's Eq. 7. */
  enlarge?: boolean | undefined
  /** Default `'float32'`. */
  dtype?: DType | undefined
  /** Default `'auto'`, as of `boxLoss`. */
  backend?: BackendName | 'auto' | undefined
}

/** Where the boxes of a simulation are after some of its steps. */
export interface SimulationState {
  /** Steps done. */
  iteration: number
  /** Over all cases. */
  meanIou: number
  /** Σ |B − G| over all cases and their four coordinates. */
  totalL1: number
  /** [18000, 4] boxes, x1,y1,x2,y2, in the order of `simulationCases`. The next step writes to them: copy what is to stay. */
  boxes: FloatArray
  backend: BackendName
}

const OWN_OPTIONS = ['convention', ...LOSS_OPTIONS]
const OPTIONS = ['geometry', 'lr', 'iterations', 'enlarge', 'dtype', 'backend', ...OWN_OPTIONS]

/** Corners of a box of area side² and a given width : height. */
function corners(cx: number, cy: number, side: number, ratio: number): number[] {
  const halfWidth = (side * Math.sqrt(ratio)) / 2
  const halfHeight = side / Math.sqrt(ratio) / 2
  return [cx - halfWidth, cy - halfHeight, cx + halfWidth, cy + halfHeight]
}

/** Every anchor against every target: two flat lists of 18,000 boxes x1,y1,x2,y2. Anchors by row, column, size and shape. */
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

/** The rate of the step that leads to iteration t of T. */
export function learningRate(lr: number, t: number, iterations: number): number {
  if (10 * t <= 8 * iterations) return lr
  return 10 * t <= 9 * iterations ? 0.1 * lr : 0.01 * lr
}

/**
 * Gradient descent on all cases at once, B_t = B_(t−1) − rate · ∇: the paper's Eq. 7, whose sign would climb. Yields the state
 * before the first step and after each one, T + 1 in all.
 *
 * @param name Any loss for boxes of two axes. Options that it demands have defaults here (`lossOptions`).
 * @throws {ScaLossError} from the first `next()`: an argument is not as described, the backend cannot run.
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
  // 'sum' leaves each box its own, undivided gradient.
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
