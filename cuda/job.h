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

template <class N>
struct Row {
  N weighted_loss;  // the term of the sum
  N loss;
  N iou;
  Quad<N> grad;
  Quad<N> grad_target;
  MaskOf<N> invalid;
};

// Computes one row, or as many rows as N holds. `weight` and `grad_output` are read only where the job has them.
template <class Loss, class T, class N>
SCALOSS_FN Row<N> evaluate_row(const BoxLossJob<T>& job, const Quad<N>& pred, const Quad<N>& target, N weight,
                               N grad_output) {
  const Axes<N, 2> axes = make_axes(decode(job.format, pred), decode(job.format, target));
  Gradients<N, 2> gradients;
  const LossParams<N> params = {N(job.alpha), N(job.epsilon)};
  N loss = Loss::evaluate(axes, params, gradients);

  Row<N> row;
  const MaskOf<N> valid = is_valid(axes);
  row.invalid = !valid;
  // A row that counts 0 does so whatever its box holds: selected, not multiplied, because 0 * NaN is NaN.
  MaskOf<N> counts = valid | MaskOf<N>(!job.ignore_invalid);
  const MaskOf<N> reported = counts;
  if (job.ignore_all) counts = MaskOf<N>(false);
  N factor(job.grad_scale);
  if (job.weight != nullptr) {
    counts = counts & !(weight == N(0));
    loss = loss * weight;
    factor = factor * weight;
  }
  if (job.grad_output != nullptr) factor = factor * grad_output;
  row.weighted_loss = select(counts, loss, N(0));
  row.loss = row.weighted_loss * N(job.loss_scale);
  row.grad = encode_gradient(job.format, gradients.pred);
  row.grad_target = encode_gradient(job.format, gradients.target);
  for (int k = 0; k < 4; ++k) {
    row.grad.at[k] = select(counts, row.grad.at[k] * factor, N(0));
    row.grad_target.at[k] = select(counts, row.grad_target.at[k] * factor, N(0));
  }
  if (job.iou != nullptr) row.iou = select(reported, plain_iou(axes), N(0));
  return row;
}

}  // namespace scaloss
