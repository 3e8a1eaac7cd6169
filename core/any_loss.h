// Any loss with any options, chosen while it runs: for what is not worth code of its own.
#pragma once

#include "losses.h"

namespace scaloss {

struct AnyLoss {
  static constexpr Range kRange = Range::any;

  template <class N>
  static SCALOSS_FN PairTerms<N, 3> evaluate(const Axes<N, 3>& axes, const LossParams<StorageOf<N>>& params) {
    return plain(axes, params);
  }

  template <class N>
  static SCALOSS_FN PairTerms<N, 2> evaluate(const Axes<N, 2>& axes, const LossParams<StorageOf<N>>& params) {
    if (!is_family(params.loss)) return plain(axes, params);
    // The options that change a formula apply to all of the family alike, so their code is here once.
    const Extents<N> extents = extents_of(axes, N(params.epsilon));
    const IouTerm<N> iou = iou_term(extents);
    PairTerms<N, 2> terms[2] = {constant_terms<N, 2>(N(0)), constant_terms<N, 2>(N(0))};
    fill({axes, extents, iou}, params, terms);
    PairTerms<N, 2> sum = shaped_iou(axes, iou, params);
    for (int i = 0; i < 2; ++i) {
      sum = sum + (params.power == 1 ? terms[i] : raised_term(terms[i], N(params.power)));
    }
    return params.focal == 0 ? sum : focused(sum, iou, N(params.focal));
  }

 private:
  static SCALOSS_FN bool is_family(int loss) {
    switch (loss) {
#define SCALOSS_ROW(name, Loss, loss_axes) \
  case kLoss_##name:                       \
    return Loss::kFamily;
      SCALOSS_LOSSES(SCALOSS_ROW)
#undef SCALOSS_ROW
    }
    return false;
  }

  template <class N, int D>
  static SCALOSS_FN PairTerms<N, D> plain(const Axes<N, D>& axes, const LossParams<StorageOf<N>>& params) {
    switch (params.loss) {
#define SCALOSS_ROW(name, Loss, loss_axes)                                               \
  case kLoss_##name:                                                                     \
    if constexpr (loss_axes == D && !Loss::kFamily) return Loss::evaluate(axes, params); \
    break;
      SCALOSS_LOSSES(SCALOSS_ROW)
#undef SCALOSS_ROW
    }
    return constant_terms<N, D>(N(0));
  }

  template <class N>
  static SCALOSS_FN void fill(const FamilyPair<N>& pair, const LossParams<StorageOf<N>>& params,
                              PairTerms<N, 2>* terms) {
    switch (params.loss) {
#define SCALOSS_ROW(name, Loss, loss_axes) \
  case kLoss_##name:                       \
    fill_by<Loss>(pair, params, terms);    \
    break;
      SCALOSS_LOSSES(SCALOSS_ROW)
#undef SCALOSS_ROW
    }
  }
  template <class Loss, class N>
  static SCALOSS_FN void fill_by(const FamilyPair<N>& pair, const LossParams<StorageOf<N>>& params,
                                 PairTerms<N, 2>* terms) {
    if constexpr (Loss::kFamily) Loss::template fill<true>(pair, params, terms);
  }
};

// Any loss without the options that change a formula.
struct PlainLoss {
  static constexpr Range kRange = Range::regular;

  template <class N, int D>
  static SCALOSS_FN PairTerms<N, D> evaluate(const Axes<N, D>& axes, const LossParams<StorageOf<N>>& params) {
    switch (params.loss) {
#define SCALOSS_ROW(name, Loss, loss_axes)                             \
  case kLoss_##name:                                                   \
    if constexpr (loss_axes == D) return Loss::evaluate(axes, params); \
    break;
      SCALOSS_LOSSES(SCALOSS_ROW)
#undef SCALOSS_ROW
    }
    return constant_terms<N, D>(N(0));
  }
};

}  // namespace scaloss
