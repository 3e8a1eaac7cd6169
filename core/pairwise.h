// Every pair of two sets of boxes: the data that a CPU loop or a kernel receives, and the value of one pair.
#pragma once

#include "any_loss.h"
#include "formats.h"

namespace scaloss {

enum class PairValue : int32_t {
  loss,
  similarity,  // 1 - loss
  iou,         // the similarity of the plain IoU loss, whose small values 1 - (1 - IoU) would round
};

// The value that a call computes when it asks for losses, or for similarities.
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

// Whether a box is valid input for the loss.
template <class T, int D>
bool is_valid(const Box<T, D>& box, bool any_order) {
  bool valid = true;
  for (int k = 0; k < D; ++k) {
    valid = valid && box.first[k] - box.first[k] == 0 && box.second[k] - box.second[k] == 0 &&
            (any_order || box.first[k] <= box.second[k]);
  }
  return valid;
}

// The number of boxes among [count, 2 D] that are not valid.
template <int D, class T>
int64_t count_invalid(const PairwiseJob<T>& job, const T* boxes, int64_t count) {
  int64_t invalid = 0;
  for (int64_t i = 0; i < count; ++i) {
    Row<T, D> row;
    for (int k = 0; k < 2 * D; ++k) row.at[k] = boxes[2 * D * i + k];
    invalid += !is_valid(decode(job.format, row), job.params.any_order);
  }
  return invalid;
}
// The number of boxes that are not valid, in both sets together.
template <class T>
int64_t count_invalid(const PairwiseJob<T>& job) {
  if (axes_of(job.params.loss) == 3) {
    return count_invalid<3>(job, job.a, job.rows) + count_invalid<3>(job, job.b, job.columns);
  }
  return count_invalid<2>(job, job.a, job.rows) + count_invalid<2>(job, job.b, job.columns);
}

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
