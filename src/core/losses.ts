/** Options that belong to some losses only. */
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
/** What becomes of the term 1 − IoU: itself, −ln(IoU), 1 − IoU². */
export type Mode = (typeof MODES)[number]

export const CONVENTIONS = ['exact', 'official', 'torchvision'] as const
/** Whose formula to the letter: the papers' without any epsilon, the SCALoss authors' code, torchvision's functions. */
export type Convention = (typeof CONVENTIONS)[number]

/** The options of a loss, defaults filled in, and what its convention makes of them. */
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
  /** NaN for losses that do not ask for it. */
  imageWidth: number
  imageHeight: number
  constant: number
}

export interface LossSpec {
  /** A box has this many first and second coordinates. */
  axes: 2 | 3
  options: readonly LossOption[]
  /** Besides `exact`. */
  conventions: readonly Convention[]
}

const loss = <const O extends LossOption>(
  options: readonly O[] = [],
  conventions: readonly Convention[] = [],
  axes: 2 | 3 = 2,
): LossSpec => ({ axes, options, conventions })

const FAMILY = ['mode', 'logFloor', 'inner', 'focal'] as const

/** One row per loss; docs/losses.md has the formulas. The order is the contract with the addon: a row's index is the kernel's
 * number in `core/losses.h`, and `test/cpu/native.test.ts` compares the two lists. */
export const LOSSES = {
  /** SCALoss: L_SO + alpha · L_CD (Zheng et al., AAAI 2022, Eq. 4). */
  sca: loss(['alpha'], ['official']),
  /** Side overlap: 2 − (wmin/wmax + hmin/hmax) (Eq. 2). */
  so: loss([], ['official']),
  /** Corner distance: (‖p1−g1‖ + ‖p2−g2‖) / enclosing diagonal (Eq. 3). */
  cd: loss([], ['official']),
  /** 1 − IoU (Yu et al., UnitBox, 2016, has its logarithm). */
  iou: loss([...FAMILY, 'power']),
  /** 1 − IoU + (C − U)/C (Rezatofighi et al., CVPR 2019). */
  giou: loss([...FAMILY, 'power'], ['torchvision']),
  /** 1 − IoU + ρ²/c² (Zheng et al., AAAI 2020). */
  diou: loss([...FAMILY, 'power'], ['torchvision']),
  /** diou + a·v, v from the aspect ratios (Zheng et al., AAAI 2020). */
  ciou: loss([...FAMILY, 'power', 'detachAlpha'], ['torchvision']),
  /** ρ/c (SCALoss, Table 6). */
  center: loss(),
  /** ρ²/c² (SCALoss, Table 6). */
  center2: loss(),
  /** 1 − IoU + alpha · L_CD (SCALoss, Table 6). */
  iou_cd: loss([...FAMILY, 'alpha']),
  /** 1 − IoU + ρ²/c² + (w−W)²/wmax² + (h−H)²/hmax² (Zhang et al., Focal and Efficient IOU Loss, 2021). */
  eiou: loss(FAMILY),
  /** 1 − IoU + (distance cost with angle + shape cost)/2 (Gevorgyan, SIoU Loss, 2022). */
  siou: loss(FAMILY),
  /** 1 − IoU + squared corner distances over the image's squared diagonal (Ma and Xu, MPDIoU, 2023). */
  mpdiou: loss([...FAMILY, 'imageWidth', 'imageHeight']),
  /** Σ over corners of d²/(2·beta), or |d| − beta/2 from beta on (Girshick, Fast R-CNN, 2015). */
  smooth_l1: loss(['beta']),
  /** Σ over corners of |d|. */
  l1: loss(),
  /** 1 − exp(−Wasserstein distance / constant) (Wang et al., Normalized Gaussian Wasserstein Distance, 2021). */
  nwd: loss(['constant']),
  /** `sca` over three axes (SCALoss, future work). */
  sca3: loss(['alpha'], [], 3),
  /** `so` over three axes. */
  so3: loss([], [], 3),
  /** `cd` over three axes. */
  cd3: loss([], [], 3),
} as const satisfies Record<string, LossSpec>

/** A loss of docs/losses.md. */
export type LossName = keyof typeof LOSSES

export const LOSS_NAMES = Object.keys(LOSSES) as LossName[]
