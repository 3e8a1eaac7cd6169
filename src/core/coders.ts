// The parametrisations of detection heads: what the raw numbers that a network puts out mean. docs/heads.md has the
// formulas; the calculations are in `core/coders.h`, `core/dfl.h` and, as a second witness, in `src/reference/head.ts`.

/** All coders. The addon relies on this order (`core/coders.h`). */
export const CODER_KINDS = ['deltas', 'yolov3', 'yolov5', 'yolox', 'ltrb', 'dfl', 'detr'] as const
/** What the raw numbers of a head mean. `deltas`: shifts and log sizes relative to an anchor (R-CNN, RetinaNet, SSD).
 * `yolov3`, `yolov5`, `yolox`: as these networks have it. `ltrb`: distances from a point to the four sides (FCOS).
 * `dfl`: the same as expectations over bins (GFL, YOLOv8). `detr`: a sigmoid of centre and size. */
export type CoderKind = (typeof CODER_KINDS)[number]

/** The values of the option `activation`, in the order of `core/coders.h`. */
export const ACTIVATIONS = ['exp', 'relu', 'linear'] as const
/** What turns a raw number into a distance in strides: its exponential, the larger one of it and 0, or itself. */
export type Activation = (typeof ACTIVATIONS)[number]

/** The most bins of a `dfl` coder. */
export const MOST_BINS = 64

/** The options of `boxCoder`. Each kind has its own. */
export interface CoderOptions {
  /** `deltas`: four numbers that are added to the raw ones, after `stds`, in their order. Default 0. */
  means?: readonly number[] | undefined
  /** `deltas`: four numbers > 0 by which the raw ones are multiplied, in their order. Default 1. Weights of 10 and 5,
   * as some sources have them, are stds of 0.1 and 0.2. */
  stds?: readonly number[] | undefined
  /** `deltas`: the order of the raw numbers. `'xywh'` (default): dx, dy, dw, dh; `'yxhw'`: dy, dx, dh, dw. */
  order?: 'xywh' | 'yxhw' | undefined
  /** `deltas`: log sizes below this are taken as it, with gradient 0. Default `-Infinity`: none. */
  minLogSize?: number | undefined
  /** `deltas`: log sizes above this are taken as it, with gradient 0. Default log(1000/16); `Infinity`: none. */
  maxLogSize?: number | undefined
  /** `yolov3`: how far a centre may leave its cell, as `scale_x_y` of darknet. Default 1. */
  scaleXY?: number | undefined
  /** `ltrb`: what turns a raw number into a distance in strides. Default `'exp'`. */
  activation?: Activation | undefined
  /** `dfl`: the number of bins, from 2 to 64. Default 16. */
  bins?: number | undefined
  /** `dfl`: the distance that each bin stands for, in strides. Default 0, 1, … bins − 1. */
  project?: readonly number[] | undefined
  /** `dfl`: the largest distance of a target for the cross entropy of the two bins. Default bins − 1.01. */
  targetClamp?: number | undefined
  /** `detr`: the width that the boxes refer to. Default 1. */
  imageWidth?: number | undefined
  /** `detr`: the height that the boxes refer to. Default 1. */
  imageHeight?: number | undefined
  /** `detr`: references are kept this far from 0 and 1 before their logit is taken. Default 1e-5. */
  eps?: number | undefined
}
export type CoderOption = keyof CoderOptions

/** The options of a coder with the defaults filled in. Kinds ignore those that they do not have. */
export interface CoderParams {
  kind: CoderKind
  means: readonly number[]
  stds: readonly number[]
  order: 'xywh' | 'yxhw'
  minLogSize: number
  maxLogSize: number
  scaleXY: number
  activation: Activation
  bins: number
  /** The distance of each bin; empty for other kinds. */
  project: readonly number[]
  targetClamp: number
  imageWidth: number
  imageHeight: number
  eps: number
}

/** The properties of a kind other than its formula. */
export interface CoderSpec {
  /** The numbers of a prior, by name. */
  prior: readonly string[]
  /** The numbers of a prior that must be above 0. */
  positive: readonly string[]
  options: readonly CoderOption[]
}

const CELL = ['left', 'top', 'stride', 'anchor width', 'anchor height']
const POINT = ['x', 'y', 'stride']

export const CODERS: Record<CoderKind, CoderSpec> = {
  deltas: {
    prior: ['x1', 'y1', 'x2', 'y2'],
    positive: [],
    options: ['means', 'stds', 'order', 'minLogSize', 'maxLogSize'],
  },
  yolov3: { prior: CELL, positive: CELL.slice(2), options: ['scaleXY'] },
  yolov5: { prior: CELL, positive: CELL.slice(2), options: [] },
  yolox: { prior: ['left', 'top', 'stride'], positive: ['stride'], options: [] },
  ltrb: { prior: POINT, positive: ['stride'], options: ['activation'] },
  dfl: { prior: POINT, positive: ['stride'], options: ['bins', 'project', 'targetClamp'] },
  detr: { prior: ['cx', 'cy', 'w', 'h'], positive: [], options: ['imageWidth', 'imageHeight', 'eps'] },
}

/** Returns the number of raw numbers of a row. */
export const rawColumns = ({ kind, bins }: CoderParams): number => (kind === 'dfl' ? 4 * bins : 4)
