/** Options that only some losses have. */
export const LOSS_OPTIONS = [
  'alpha',
  'mode',
  'logFloor',
  'power',
  'inner',
  'focal',
  'detachAlpha',
  'beta',
  'imageWidth',
  'imageHeight',
  'constant',
] as const
export type LossOption = (typeof LOSS_OPTIONS)[number]

export const MODES = ['linear', 'log', 'square'] as const
/** What replaces the term 1 − IoU: `'linear'` keeps it, `'log'` makes it −ln(IoU), `'square'` makes it 1 − IoU². */
export type Mode = (typeof MODES)[number]

export const CONVENTIONS = ['exact', 'official', 'torchvision'] as const
/** Whose formula is followed to the letter: `'exact'` the papers' without any epsilon, `'official'` the code of the
 * SCALoss authors, `'torchvision'` the functions of torchvision. */
export type Convention = (typeof CONVENTIONS)[number]

/** The options of a loss with defaults filled in, and the epsilon that follows from its convention. */
export interface LossParams {
  alpha: number
  /** 0, or the 1e-7 of the convention. */
  epsilon: number
  mode: Mode
  logFloor: number
  power: number
  inner: number
  focal: number
  detachAlpha: boolean
  beta: number
  /** NaN for losses that have no image size. */
  imageWidth: number
  imageHeight: number
  constant: number
}

/** The properties of a loss other than its formula. */
export interface LossSpec {
  /** Says in one sentence what the loss is, with its formula and source. It is the docstring of the function named
   * after the loss. */
  summary: string
  /** The largest loss that a pair of valid boxes can have with default options. */
  largest: number
  /** The number of axes of a box, which has 2 · axes coordinates. */
  axes: 2 | 3
  options: readonly LossOption[]
  /** The options in `options` that have no default. */
  required: readonly LossOption[]
  /** The conventions that the loss has besides `exact`. */
  conventions: readonly Convention[]
  /** Whether the corners of a box must be in order: x1 ≤ x2, y1 ≤ y2. Losses that are sums over coordinates accept any
   * order. */
  ordered: boolean
}

/** Makes a row of the table. Its type keeps the names it lists, because the types of calls are derived from them
 * (`checked-options.ts`). */
function loss<
  const O extends readonly LossOption[] = readonly [],
  const R extends readonly LossOption[] = readonly [],
  const C extends readonly Convention[] = readonly [],
>(
  summary: string,
  largest: number,
  row: { options?: O; required?: R; conventions?: C; axes?: 2 | 3; ordered?: boolean } = {},
) {
  const { options = [], required = [], conventions = [], axes = 2, ordered = true } = row
  return { summary, largest, axes, options, required, conventions, ordered } as {
    summary: string
    largest: number
    axes: 2 | 3
    options: O
    required: R
    conventions: C
    ordered: boolean
  }
}

const FAMILY = ['mode', 'logFloor', 'inner', 'focal'] as const

/** The table of losses, one row per loss. docs/losses.md has the formulas. The addon relies on the order: the index of
 * a row is the kernel's number in `core/losses.h`, and `test/cpu/native.test.ts` compares the two lists.
 * `npm run losses -- --write` generates a function from each row. */
export const LOSSES = {
  sca: loss('SCALoss is L_SO + alpha · L_CD, side overlap and corner distance (Zheng et al., AAAI 2022, Eq. 4).', 5, {
    options: ['alpha'],
    conventions: ['official'],
  }),
  so: loss('Side overlap is 2 − (wmin/wmax + hmin/hmax) (SCALoss, Eq. 2).', 4, { conventions: ['official'] }),
  cd: loss('Corner distance is (‖p1−g1‖ + ‖p2−g2‖) / enclosing diagonal (SCALoss, Eq. 3).', 2, {
    conventions: ['official'],
  }),
  iou: loss("IoU loss is 1 − IoU; Yu et al., UnitBox, 2016, have its logarithm, `mode: 'log'`.", 1, {
    options: [...FAMILY, 'power'],
  }),
  giou: loss('Generalized IoU loss is 1 − IoU + (C − U)/C (Rezatofighi et al., CVPR 2019).', 2, {
    options: [...FAMILY, 'power'],
    conventions: ['torchvision'],
  }),
  diou: loss('Distance IoU loss is 1 − IoU + ρ²/c² (Zheng et al., AAAI 2020).', 2, {
    options: [...FAMILY, 'power'],
    conventions: ['torchvision'],
  }),
  ciou: loss('Complete IoU loss is DIoU loss + a·v, v from the aspect ratios (Zheng et al., AAAI 2020).', 3, {
    options: [...FAMILY, 'power', 'detachAlpha'],
    conventions: ['torchvision'],
  }),
  center: loss('Centre distance is ρ/c (SCALoss, Table 6).', 1),
  center2: loss('Squared centre distance is ρ²/c² (SCALoss, Table 6).', 1),
  iou_cd: loss('IoU loss and corner distance are 1 − IoU + alpha · L_CD (SCALoss, Table 6).', 2, {
    options: [...FAMILY, 'alpha'],
  }),
  eiou: loss(
    'Efficient IoU loss is 1 − IoU + ρ²/c² + (w−W)²/wmax² + (h−H)²/hmax² (Zhang et al., Focal and Efficient IOU Loss, 2021).',
    4,
    { options: FAMILY },
  ),
  siou: loss('SIoU loss is 1 − IoU + (distance cost with angle + shape cost)/2 (Gevorgyan, SIoU Loss, 2022).', 3, {
    options: FAMILY,
  }),
  mpdiou: loss(
    "MPDIoU loss is 1 − IoU + squared corner distances over the image's squared diagonal (Ma and Xu, MPDIoU, 2023).",
    Number.POSITIVE_INFINITY,
    { options: [...FAMILY, 'imageWidth', 'imageHeight'], required: ['imageWidth', 'imageHeight'] },
  ),
  smooth_l1: loss(
    'Smooth L1 is Σ over corners of d²/(2·beta), or |d| − beta/2 from beta on (Girshick, Fast R-CNN, 2015).',
    Number.POSITIVE_INFINITY,
    { options: ['beta'], ordered: false },
  ),
  l1: loss('L1 is Σ over corners of |d|.', Number.POSITIVE_INFINITY, { ordered: false }),
  nwd: loss(
    'NWD loss is 1 − exp(−Wasserstein distance / constant) (Wang et al., Normalized Gaussian Wasserstein Distance, 2021).',
    1,
    { options: ['constant'] },
  ),
  sca3: loss('SCALoss of boxes with three axes (SCALoss, future work) is L_SO + alpha · L_CD.', 7, {
    options: ['alpha'],
    axes: 3,
  }),
  so3: loss('Side overlap of boxes with three axes is 3 − (wmin/wmax + hmin/hmax + dmin/dmax).', 6, { axes: 3 }),
  cd3: loss('Corner distance of boxes with three axes is (‖p1−g1‖ + ‖p2−g2‖) / enclosing diagonal.', 2, { axes: 3 }),
} as const

/** The name of a loss. docs/losses.md lists all losses with their formulas. */
export type LossName = keyof typeof LOSSES

export const LOSS_NAMES = Object.keys(LOSSES) as LossName[]
