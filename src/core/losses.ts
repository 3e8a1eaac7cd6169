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
  sca: loss('SCALoss is side overlap plus corner distance, L_SO + alpha · L_CD (Zheng et al., AAAI 2022, Eq. 4).', 5, {
    options: ['alpha'],
    conventions: ['official'],
  }),
  so: loss('The side overlap loss is 2 − (wmin/wmax + hmin/hmax) (SCALoss, Eq. 2).', 4, { conventions: ['official'] }),
  cd: loss('The corner distance loss is (‖p1−g1‖ + ‖p2−g2‖) / enclosing diagonal (SCALoss, Eq. 3).', 2, {
    conventions: ['official'],
  }),
  iou: loss("The IoU loss is 1 − IoU, and −ln(IoU) with `mode: 'log'` (Yu et al., UnitBox, 2016).", 1, {
    options: [...FAMILY, 'power'],
  }),
  giou: loss('The generalized IoU loss is 1 − IoU + (C − U)/C (Rezatofighi et al., CVPR 2019).', 2, {
    options: [...FAMILY, 'power'],
    conventions: ['torchvision'],
  }),
  diou: loss('The distance IoU loss is 1 − IoU + ρ²/c² (Zheng et al., AAAI 2020).', 2, {
    options: [...FAMILY, 'power'],
    conventions: ['torchvision'],
  }),
  ciou: loss(
    'The complete IoU loss is 1 − IoU + ρ²/c² + a·v, with v from the aspect ratios (Zheng et al., AAAI 2020).',
    3,
    {
      options: [...FAMILY, 'power', 'detachAlpha'],
      conventions: ['torchvision'],
    },
  ),
  center: loss('The centre distance loss is ρ/c (SCALoss, Table 6).', 1),
  center2: loss('The squared centre distance loss is ρ²/c² (SCALoss, Table 6).', 1),
  iou_cd: loss('The IoU loss plus corner distance is 1 − IoU + alpha · L_CD (SCALoss, Table 6).', 2, {
    options: [...FAMILY, 'alpha'],
  }),
  eiou: loss(
    'The efficient IoU loss is 1 − IoU + ρ²/c² + (w−W)²/wmax² + (h−H)²/hmax² (Zhang et al., Focal-EIoU, 2021).',
    4,
    { options: FAMILY },
  ),
  siou: loss('The SIoU loss is 1 − IoU + (distance cost with angle + shape cost)/2 (Gevorgyan, SIoU Loss, 2022).', 3, {
    options: FAMILY,
  }),
  mpdiou: loss(
    'The MPDIoU loss is 1 − IoU + squared corner distances / squared image diagonal (Ma and Xu, MPDIoU, 2023).',
    Number.POSITIVE_INFINITY,
    { options: [...FAMILY, 'imageWidth', 'imageHeight'], required: ['imageWidth', 'imageHeight'] },
  ),
  smooth_l1: loss(
    'The smooth L1 loss sums d²/(2·beta) if |d| < beta, else |d| − beta/2, over corners (Girshick, Fast R-CNN, 2015).',
    Number.POSITIVE_INFINITY,
    { options: ['beta'], ordered: false },
  ),
  l1: loss('The L1 loss sums |d| over corners.', Number.POSITIVE_INFINITY, { ordered: false }),
  nwd: loss(
    'The NWD loss is 1 − exp(−W₂ / constant) (Wang et al., Normalized Gaussian Wasserstein Distance, 2021).',
    1,
    { options: ['constant'] },
  ),
  sca3: loss('SCALoss for boxes with three axes is L_SO + alpha · L_CD (SCALoss, future work).', 7, {
    options: ['alpha'],
    axes: 3,
  }),
  so3: loss('The side overlap loss for boxes with three axes is 3 − (wmin/wmax + hmin/hmax + dmin/dmax).', 6, {
    axes: 3,
  }),
  cd3: loss('The corner distance loss for boxes with three axes is (‖p1−g1‖ + ‖p2−g2‖) / enclosing diagonal.', 2, {
    axes: 3,
  }),
} as const

/** The name of a loss. docs/losses.md lists all losses with their formulas. */
export type LossName = keyof typeof LOSSES

export const LOSS_NAMES = Object.keys(LOSSES) as LossName[]
