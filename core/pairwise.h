// Every pair of two sets of boxes: what travels to a CPU loop or a kernel, and the value of one pair.
#pragma once

#include "any_loss.h"
#include "formats.h"

namespace scaloss {

enum class PairValue : int32_t {
  loss,
  similarity,  // 1 - loss
  iou,         // the similarity of the plain IoU loss, whose small values 1 - (1 - IoU) would round
};

// What a call for losses, or for similarities, computes.
template <class T>
PairValue pair_value_of(const LossParams<T>& params, bool similarity) {
  if (!similarity) return PairValue::loss;
  return params.loss == kLoss_iou && !params.modified ? PairValue::iou : PairValue::similarity;
}

template <class T>
struct PairwiseJob {
  int64_t rows;     // N
  int64_t columns;  // M
  const T* a;       // [N, 2 D], D the axes of the loss; predictions
  const T* b;       // [M, 2 D]
  T* out;           // [N, M]
  LossParams<T> params;
  Format format;
  PairValue value;
};

template <class Loss, class T, class N, int D>
SCALOSS_FN N pair_value(const PairwiseJob<T>& job, const Box<N, D>& a, const Box<N, D>& b) {
  const Axes<N, D> axes = make_axes(a, b, false, job.params.enlarge_small);
  N value;
  if (job.value == PairValue::iou) {
    value = plain_iou(axes);
  } else {
    const N loss = Loss::evaluate(axes, job.params).loss;
    value = job.value == PairValue::similarity ? N(1) - loss : loss;
  }
  return select(is_finite(axes), value, N(Ieee<T>::kNaN));
}

}  // namespace scaloss
