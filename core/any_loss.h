// Any loss with any options, chosen at run time. It serves the combinations that do not have code compiled for them.
#pragma once

#include "dispatch.h"

namespace scaloss {

// Whether a loss is a member of the IoU family.
struct IsFamily {
  template <class Listed>
  static constexpr bool kServes = true;
  template <class Listed>
  SCALOSS_FN bool operator()(Listed) const {
    return Listed::Loss::kFamily;
  }
  SCALOSS_FN bool otherwise() const { return false; }
};

// The terms of a loss of D axes. Without with_family, it covers only the losses outside the IoU family.
template <bool with_family, class N, int D>
struct EvaluateLoss {
  const Axes<N, D>& axes;
  const LossParams<StorageOf<N>>& params;

  template <class Listed>
  static constexpr bool kServes = Listed::kAxes == D && (with_family || !Listed::Loss::kFamily);
  template <class Listed>
  SCALOSS_FN PairTerms<N, D> operator()(Listed) const {
    return Listed::Loss::evaluate(axes, params);
  }
  SCALOSS_FN PairTerms<N, D> otherwise() const { return constant_terms<N, D>(N(0)); }
};

// Writes the terms that a loss of the IoU family adds to 1 - IoU, with any options.
template <class N>
struct FillTerms {
  const FamilyPair<N>& pair;
  const LossParams<StorageOf<N>>& params;
  PairTerms<N, 2>* terms;

  template <class Listed>
  static constexpr bool kServes = Listed::Loss::kFamily;
  template <class Listed>
  SCALOSS_FN void operator()(Listed) const {
    Listed::Loss::template fill<true>(pair, params, terms);
  }
  SCALOSS_FN void otherwise() const {}
};

struct AnyLoss {
  static constexpr Range kRange = Range::any;

  template <class N>
  static SCALOSS_FN PairTerms<N, 3> evaluate(const Axes<N, 3>& axes, const LossParams<StorageOf<N>>& params) {
    return dispatch_loss(params.loss, EvaluateLoss<false, N, 3>{axes, params});
  }

  template <class N>
  static SCALOSS_FN PairTerms<N, 2> evaluate(const Axes<N, 2>& axes, const LossParams<StorageOf<N>>& params) {
    if (!dispatch_loss(params.loss, IsFamily())) {
      return dispatch_loss(params.loss, EvaluateLoss<false, N, 2>{axes, params});
    }
    // The options that change a formula apply to the whole family alike, so their code is here once.
    const Extents<N> extents = extents_of(axes, N(params.epsilon));
    const IouTerm<N> iou = iou_term(extents);
    PairTerms<N, 2> terms[2] = {constant_terms<N, 2>(N(0)), constant_terms<N, 2>(N(0))};
    const FamilyPair<N> pair = {axes, extents, iou};
    dispatch_loss(params.loss, FillTerms<N>{pair, params, terms});
    PairTerms<N, 2> sum = shaped_iou(axes, iou, params);
    for (int i = 0; i < 2; ++i) {
      sum = sum + (params.power == 1 ? terms[i] : raised_term(terms[i], N(params.power)));
    }
    return params.focal == 0 ? sum : focused(sum, iou, N(params.focal));
  }
};

// Any loss without the options that change a formula.
struct PlainLoss {
  static constexpr Range kRange = Range::regular;

  template <class N, int D>
  static SCALOSS_FN PairTerms<N, D> evaluate(const Axes<N, D>& axes, const LossParams<StorageOf<N>>& params) {
    return dispatch_loss(params.loss, EvaluateLoss<true, N, D>{axes, params});
  }
};

}  // namespace scaloss
