// One call: what travels to a CPU loop or a kernel, and what happens to one row of it.
#pragma once

#include "formats.h"
#include "losses.h"

namespace scaloss {

// The two kernels of a loss: the loss alone, or loss and gradients fused.
enum class Pass { forward, fused };
constexpr int kPasses = 2;

template <class T>
struct BoxLossJob {
  int64_t boxes;         // N
  const T* pred;         // [N, 4]
  const T* target;       // [N, 4]
  const T* weight;       // [N] or null: 1
  const T* grad_output;  // [N] upstream gradient or null: 1
  T* loss;               // [N] or null
  T* grad;               // [N, 4] or null
  T* grad_target;        // [N, 4] or null
  T* iou;                // [N] or null
  T alpha;               // LossParams
  T epsilon;             // LossParams
  T loss_scale;          // multiplies the losses written to `loss`
  T grad_scale;          // multiplies the gradients: everything upstream that is the same for all rows
  double sum_scale;      // the reduced loss is (sum of weighted losses) * sum_scale / sum_divisor
  double sum_divisor;
  Format format;
  int32_t ignore_invalid;  // rows that are not valid count 0
  int32_t ignore_all;      // every row counts 0 (the normaliser is not positive); invalid rows are still counted
};

// What a call gives besides its arrays.
struct BoxLossSummary {
  double loss;      // the reduced loss
  int64_t invalid;  // rows with a non-finite coordinate or an inverted box
};

template <class T>
SCALOSS_FN double reduced_loss(const BoxLossJob<T>& job, double sum) {
  return job.ignore_all ? 0.0 : sum * job.sum_scale / job.sum_divisor;
}

// What a row adds to the summary.
template <class N>
struct RowSummary {
  N weighted_loss;
  MaskOf<N> invalid;
};

// Computes one row, or as many rows as N holds, and stores what the job asks for through store.value(array, N) and
// store.quad(array, Quad<N>). `weight` and `grad_output` are read only where the job has them.
template <class Loss, Pass pass, class T, class N, class Store>
SCALOSS_FN RowSummary<N> evaluate_row(const BoxLossJob<T>& job, const Box<N>& pred, const Box<N>& target, N weight,
                                      N grad_output, Store store) {
  const Axes<N, 2> axes = make_axes(pred, target);
  const auto terms = Loss::evaluate(axes, LossParams<N>{N(job.alpha), N(job.epsilon)});

  // A row that counts 0 does so whatever its box holds: selected, not multiplied, because 0 * NaN is NaN.
  const MaskOf<N> valid = is_valid(axes);
  const MaskOf<N> reported = MaskOf<N>(valid | MaskOf<N>(!job.ignore_invalid));
  MaskOf<N> counts = job.ignore_all ? MaskOf<N>(false) : reported;
  N loss = terms.loss;
  N factor(job.grad_scale);
  if (job.weight != nullptr) {
    counts = counts & !(weight == N(0));
    loss = loss * weight;
    factor = factor * weight;
  }
  if (job.grad_output != nullptr) factor = factor * grad_output;
  loss = select(counts, loss, N(0));
  // Selected again after the product: 0 times a negative scale is -0.
  if (job.loss != nullptr) store.value(job.loss, select(counts, loss * N(job.loss_scale), N(0)));

  const auto store_gradient = [&](T* array, const Box<N>& gradient) {
    Quad<N> quad = encode_gradient(job.format, gradient);
    for (int k = 0; k < 4; ++k) quad.at[k] = select(counts, (quad.at[k] * factor) * axes.unit, N(0));
    store.quad(array, quad);
  };
  if (pass == Pass::fused) {
    if (job.grad != nullptr) store_gradient(job.grad, pred_gradient(axes, terms));
    if (job.grad_target != nullptr) store_gradient(job.grad_target, target_gradient(axes, terms));
  }
  if (job.iou != nullptr) store.value(job.iou, select(reported, plain_iou(axes), N(0)));
  return {loss, !valid};
}

}  // namespace scaloss
