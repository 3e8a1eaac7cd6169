/** One row per loss: which parameters it has. The order is the contract with the addon: a row's index is the kernel's number in
 * `cuda/losses.h`, and `test/native.test.ts` compares the two lists. */
export const LOSSES = {
  /** SCALoss: L_SO + alpha · L_CD (Zheng et al., AAAI 2022, Eq. 4). */
  sca: { usesAlpha: true, usesEpsilon: true },
  /** Side overlap: 2 − (wmin/wmax + hmin/hmax) (Eq. 2). */
  so: { usesAlpha: false, usesEpsilon: false },
  /** Corner distance: (‖p1−g1‖ + ‖p2−g2‖) / enclosing diagonal (Eq. 3). */
  cd: { usesAlpha: false, usesEpsilon: true },
} as const

export type LossName = keyof typeof LOSSES

export const LOSS_NAMES = Object.keys(LOSSES) as LossName[]
