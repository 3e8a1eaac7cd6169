// The losses: value and gradient of one pair of boxes, for any number type. The table at the end lists all of them.
// docs/losses.md has the published formulas, the options, and the results where a formula has no value.
//
// The forms used here equal the published ones in real arithmetic, but no terms cancel in them. So a loss keeps its
// digits down to a perfect match, where loss and gradient are exactly 0.
#pragma once

#include "distances.h"
#include "iou.h"
#include "penalties.h"
#include "side_corner.h"
#include "siou.h"

namespace scaloss {

// Every loss has evaluate(axes, params), which returns its terms, and these constants. kRange: pairs in this range have
// separate, faster code on the CPU. kFamily: the loss is a member of the IoU family, see FamilyLoss. kIsRatio: the loss
// does not depend on the unit of the coordinates. kOrdered: the corners of a box must be in order; sums over
// coordinates accept numbers in any order.

// Side overlap, L_SO (SCALoss, Eq. 2).
struct SoLoss {
  static constexpr Range kRange = Range::ordinary;
  static constexpr bool kFamily = false, kIsRatio = true, kOrdered = true;
  template <class N, int D>
  static SCALOSS_FN PairTerms<N, D> evaluate(const Axes<N, D>& axes, const LossParams<StorageOf<N>>&) {
    return side_overlap(axes);
  }
};

// Corner distance, L_CD (SCALoss, Eq. 3).
struct CdLoss {
  static constexpr Range kRange = Range::ordinary;
  static constexpr bool kFamily = false, kIsRatio = true, kOrdered = true;
  template <class N, int D>
  static SCALOSS_FN PairTerms<N, D> evaluate(const Axes<N, D>& axes, const LossParams<StorageOf<N>>& params) {
    return corner_distance(axes, N(params.epsilon));
  }
};

// SCALoss, L_SO + alpha L_CD (Eq. 4).
struct ScaLoss {
  static constexpr Range kRange = Range::ordinary;
  static constexpr bool kFamily = false, kIsRatio = true, kOrdered = true;
  template <class N, int D>
  static SCALOSS_FN PairTerms<N, D> evaluate(const Axes<N, D>& axes, const LossParams<StorageOf<N>>& params) {
    return add_scaled(side_overlap(axes), N(params.alpha), corner_distance(axes, N(params.epsilon)));
  }
};

// rho/c (SCALoss, Table 6).
struct CenterLoss {
  static constexpr Range kRange = Range::regular;
  static constexpr bool kFamily = false, kIsRatio = true, kOrdered = true;
  template <class N>
  static SCALOSS_FN PairTerms<N, 2> evaluate(const Axes<N, 2>& axes, const LossParams<StorageOf<N>>&) {
    return centre_distance(axes);
  }
};

// rho^2/c^2 (SCALoss, Table 6).
struct Center2Loss {
  static constexpr Range kRange = Range::regular;
  static constexpr bool kFamily = false, kIsRatio = true, kOrdered = true;
  template <class N>
  static SCALOSS_FN PairTerms<N, 2> evaluate(const Axes<N, 2>& axes, const LossParams<StorageOf<N>>&) {
    return centre_distance_squared(axes, N(0));
  }
};

// Quadratic below beta, linear above.
struct SmoothL1Loss {
  static constexpr Range kRange = Range::regular;
  static constexpr bool kFamily = false, kIsRatio = false, kOrdered = false;
  template <class N>
  static SCALOSS_FN PairTerms<N, 2> evaluate(const Axes<N, 2>& axes, const LossParams<StorageOf<N>>& params) {
    return smooth_absolute_differences(axes, N(params.beta));
  }
};

// Sum of the absolute differences.
struct L1Loss {
  static constexpr Range kRange = Range::regular;
  static constexpr bool kFamily = false, kIsRatio = false, kOrdered = false;
  template <class N>
  static SCALOSS_FN PairTerms<N, 2> evaluate(const Axes<N, 2>& axes, const LossParams<StorageOf<N>>&) {
    return smooth_absolute_differences(axes, N(0));
  }
};

// 1 - exp(-Wasserstein distance / constant).
struct NwdLoss {
  static constexpr Range kRange = Range::regular;
  static constexpr bool kFamily = false, kIsRatio = false, kOrdered = true;
  template <class N>
  static SCALOSS_FN PairTerms<N, 2> evaluate(const Axes<N, 2>& axes, const LossParams<StorageOf<N>>& params) {
    return gaussian_distance(axes, N(params.constant));
  }
};

// The inputs that the losses of the IoU family share. They are references, because compilers take structs apart better
// than they copy them.
template <class N>
struct FamilyPair {
  const Axes<N, 2>& axes;
  const Extents<N>& extents;
  const IouTerm<N>& iou;
};

// The range in which a loss of the family has faster code.
template <class Terms>
constexpr Range kFamilyRange = Range::regular;

// A loss of the family is 1 - IoU plus the kTerms terms that Terms::fill() writes. any_option means that options which
// FamilyLoss has no code for may be set.
template <class Terms>
struct FamilyLoss : Terms {
  static constexpr Range kRange = kFamilyRange<Terms>;
  static constexpr bool kFamily = true, kIsRatio = true, kOrdered = true;
  template <class N>
  static SCALOSS_FN PairTerms<N, 2> evaluate(const Axes<N, 2>& axes, const LossParams<StorageOf<N>>& params) {
    const Extents<N> extents = extents_of(axes, N(params.epsilon));
    const IouTerm<N> iou = iou_term(extents);
    PairTerms<N, 2> terms[2];
    Terms::template fill<false>({axes, extents, iou}, params, terms);
    if constexpr (Terms::kTerms == 0) return iou.terms;
    if constexpr (Terms::kTerms == 1) return iou.terms + terms[0];
    if constexpr (Terms::kTerms == 2) return (iou.terms + terms[0]) + terms[1];
  }
};

// 1 - IoU.
struct IouTerms {
  static constexpr int kTerms = 0;
  template <bool any_option, class N>
  static SCALOSS_FN void fill(const FamilyPair<N>&, const LossParams<StorageOf<N>>&, PairTerms<N, 2>*) {}
};
using IouLoss = FamilyLoss<IouTerms>;

// 1 - IoU + (C - U)/C.
struct GiouTerms {
  static constexpr int kTerms = 1;
  template <bool any_option, class N>
  static SCALOSS_FN void fill(const FamilyPair<N>& pair, const LossParams<StorageOf<N>>&, PairTerms<N, 2>* terms) {
    terms[0] = enclosing_gap(pair.extents);
  }
};
using GiouLoss = FamilyLoss<GiouTerms>;

// 1 - IoU + rho^2/c^2.
struct DiouTerms {
  static constexpr int kTerms = 1;
  template <bool any_option, class N>
  static SCALOSS_FN void fill(const FamilyPair<N>& pair, const LossParams<StorageOf<N>>& params,
                              PairTerms<N, 2>* terms) {
    terms[0] = centre_distance_squared(pair.axes, N(params.epsilon));
  }
};
using DiouLoss = FamilyLoss<DiouTerms>;

// 1 - IoU + rho^2/c^2 + a v.
struct CiouTerms {
  static constexpr int kTerms = 2;
  template <bool any_option, class N>
  static SCALOSS_FN void fill(const FamilyPair<N>& pair, const LossParams<StorageOf<N>>& params,
                              PairTerms<N, 2>* terms) {
    terms[0] = centre_distance_squared(pair.axes, N(params.epsilon));
    terms[1] = aspect_ratio<any_option>(pair.axes, pair.iou, params);
  }
};
using CiouLoss = FamilyLoss<CiouTerms>;

// 1 - IoU + alpha L_CD (SCALoss, Table 6).
struct IouCdTerms {
  static constexpr int kTerms = 1;
  template <bool any_option, class N>
  static SCALOSS_FN void fill(const FamilyPair<N>& pair, const LossParams<StorageOf<N>>& params,
                              PairTerms<N, 2>* terms) {
    const PairTerms<N, 2> cd = corner_distance(pair.axes, N(0));
    terms[0] = with_loss(N(params.alpha) * cd.loss, N(params.alpha), cd);
  }
};
// Its corner distance also gains from ordinary pairs. For 1 - IoU both ranges have the same code.
template <>
inline constexpr Range kFamilyRange<IouCdTerms> = Range::ordinary;
using IouCdLoss = FamilyLoss<IouCdTerms>;

// 1 - IoU + rho^2/c^2 + (w - W)^2/wmax^2 + (h - H)^2/hmax^2.
struct EiouTerms {
  static constexpr int kTerms = 2;
  template <bool any_option, class N>
  static SCALOSS_FN void fill(const FamilyPair<N>& pair, const LossParams<StorageOf<N>>&, PairTerms<N, 2>* terms) {
    terms[0] = centre_distance_squared(pair.axes, N(0));
    terms[1] = side_differences_squared(pair.axes);
  }
};
using EiouLoss = FamilyLoss<EiouTerms>;

// 1 - IoU + (distance cost + shape cost)/2.
struct SiouTerms {
  static constexpr int kTerms = 2;
  template <bool any_option, class N>
  static SCALOSS_FN void fill(const FamilyPair<N>& pair, const LossParams<StorageOf<N>>&, PairTerms<N, 2>* terms) {
    terms[0] = siou_distance(pair.axes);
    terms[1] = siou_shape(pair.axes);
  }
};
using SiouLoss = FamilyLoss<SiouTerms>;

// 1 - IoU + (n1^2 + n2^2)/squared diagonal of the image.
struct MpdiouTerms {
  static constexpr int kTerms = 1;
  template <bool any_option, class N>
  static SCALOSS_FN void fill(const FamilyPair<N>& pair, const LossParams<StorageOf<N>>& params,
                              PairTerms<N, 2>* terms) {
    terms[0] = corner_distances_squared(pair.axes, N(params.image_scale));
  }
};
using MpdiouLoss = FamilyLoss<MpdiouTerms>;

}  // namespace scaloss

// Every loss: its public name, its type and its number of axes. The position is the number of the loss at the addon's
// boundary (src/core/losses.ts). Only dispatch.h expands the list. Everything else uses the functions of that file.
#define SCALOSS_LOSSES(ROW)       \
  ROW(sca, ScaLoss, 2)            \
  ROW(so, SoLoss, 2)              \
  ROW(cd, CdLoss, 2)              \
  ROW(iou, IouLoss, 2)            \
  ROW(giou, GiouLoss, 2)          \
  ROW(diou, DiouLoss, 2)          \
  ROW(ciou, CiouLoss, 2)          \
  ROW(center, CenterLoss, 2)      \
  ROW(center2, Center2Loss, 2)    \
  ROW(iou_cd, IouCdLoss, 2)       \
  ROW(eiou, EiouLoss, 2)          \
  ROW(siou, SiouLoss, 2)          \
  ROW(mpdiou, MpdiouLoss, 2)      \
  ROW(smooth_l1, SmoothL1Loss, 2) \
  ROW(l1, L1Loss, 2)              \
  ROW(nwd, NwdLoss, 2)            \
  ROW(sca3, ScaLoss, 3)           \
  ROW(so3, SoLoss, 3)             \
  ROW(cd3, CdLoss, 3)
