// One call: the data that a CPU loop or a kernel receives, and the computation of one row.
#pragma once

#include <type_traits>

#include "any_loss.h"
#include "formats.h"
#include "storage.h"

namespace scaloss {

// The two kernels of a loss: the loss alone, or loss and gradients fused.
enum class Pass { forward, fused };
constexpr int kPasses = 2;

// S is the type stored in the arrays, T the type of the arithmetic.
template <class S, class T = typename ArithmeticOf<S>::type>
struct BoxLossJob {
  int64_t boxes;         // N
  const S* pred;         // [N, 2 D], D the axes of the loss
  const S* target;       // [N, 2 D]
  const S* weight;       // [N] or null: 1
  const S* grad_output;  // [N] upstream gradient or null: 1
  S* loss;               // [N] or null
  S* grad;               // [N, 2 D] or null
  S* grad_target;        // [N, 2 D] or null
  S* iou;                // [N] or null
  LossParams<T> params;
  T loss_scale;      // multiplies the losses written to `loss`
  T grad_scale;      // multiplies the gradients: everything upstream that is the same for all rows
  double sum_scale;  // loss_scale before it was rounded: the reduced loss is (sum of weighted losses) * sum_scale /
                     // divisor
  double divisor;
  Format format;
  int32_t ignore_invalid;  // rows that are not valid count 0
  int32_t ignore_all;      // every row counts 0 (the normaliser is not positive); invalid rows are still counted
};

// The arrays of a job in the order in which they cross the boundary to JavaScript (src/core/job.ts): inputs first.
constexpr const char* kArrayNames[] = {"pred", "target", "weight", "gradOutput", "loss", "grad", "gradTarget", "iou"};
constexpr int kInputs = 4, kArrays = 8;
// Whether each of them has all the numbers of a box in each row, rather than one number.
constexpr bool kHasBoxes[kArrays] = {true, true, false, false, false, true, true, false};
template <class S>
struct JobArrays {
  using Job = BoxLossJob<S>;
  static constexpr const S* Job::* inputs[kInputs] = {&Job::pred, &Job::target, &Job::weight, &Job::grad_output};
  static constexpr S* Job::* results[kArrays - kInputs] = {&Job::loss, &Job::grad, &Job::grad_target, &Job::iou};
};

// Calls body(array, member, numbers per row) for every input, or every result, that the job has. `array` counts in the
// order above, and `member` is the pointer to the job's member.
template <class S, class Body>
void each_input(const BoxLossJob<S>& job, Body body) {
  for (int k = 0; k < kInputs; ++k) {
    const auto member = JobArrays<S>::inputs[k];
    if (job.*member != nullptr) body(k, member, kHasBoxes[k] ? 2 * axes_of(job.params.loss) : 1);
  }
}
template <class S, class Body>
void each_result(const BoxLossJob<S>& job, Body body) {
  for (int k = kInputs; k < kArrays; ++k) {
    const auto member = JobArrays<S>::results[k - kInputs];
    if (job.*member != nullptr) body(k, member, kHasBoxes[k] ? 2 * axes_of(job.params.loss) : 1);
  }
}

template <class S>
Pass pass_of(const BoxLossJob<S>& job) {
  return job.grad != nullptr || job.grad_target != nullptr ? Pass::fused : Pass::forward;
}

// The results of a call other than its arrays.
struct BoxLossSummary {
  double loss;      // the reduced loss
  int64_t invalid;  // rows with a non-finite coordinate or an inverted box
};

template <class S>
SCALOSS_FN double reduced_loss(const BoxLossJob<S>& job, double sum) {
  return job.ignore_all ? 0.0 : sum * job.sum_scale / job.divisor;
}

// The part of one row in the summary.
template <class N>
struct RowSummary {
  N weighted_loss;
  MaskOf<N> invalid;
};

// Whether the corners of a box need not be in order: known of a loss that has its own code.
template <class Loss, class T>
SCALOSS_FN bool takes_any_order(const LossParams<T>& params) {
  if constexpr (std::is_same<Loss, AnyLoss>::value || std::is_same<Loss, PlainLoss>::value) {
    return params.any_order != 0;
  } else {
    return !Loss::kOrdered;
  }
}

// Computes one row, or as many rows as N holds, and stores the results that the job asks for through store.value(array,
// N) and store.row(array, Row<N, D>). `weight` and `grad_output` are read only if the job has them. again.pred() and
// again.target() return the boxes of the rows a second time, for the gradient of the target: a CPU loads them from
// memory again rather than keep them in registers.
template <class Loss, Pass pass, class S, class N, int D, class Again, class Store>
SCALOSS_FN RowSummary<N> evaluate_row(const BoxLossJob<S>& job, Box<N, D> pred, Box<N, D> target, N weight,
                                      N grad_output, Again again, Store store) {
  N factor(job.grad_scale);
  RowSummary<N> summary = {N(0), MaskOf<N>(false)};
  // The second pass has the boxes exchanged and gives the gradient of the target. This works because all losses are
  // symmetric.
  for (bool exchanged = false;; exchanged = true) {
    const Axes<N, D> axes = make_axes(pred, target, exchanged, job.params.enlarge_small);
    const PairTerms<N, D> terms = Loss::evaluate(axes, job.params);

    // A row that counts 0 must give 0 whatever its box holds. So 0 is selected rather than multiplied in, because 0 *
    // NaN is NaN.
    const MaskOf<N> finite = is_finite(axes);
    const MaskOf<N> valid = finite & MaskOf<N>(is_ordered(axes) | MaskOf<N>(takes_any_order<Loss>(job.params)));
    const MaskOf<N> reported = MaskOf<N>(valid | MaskOf<N>(!job.ignore_invalid));
    MaskOf<N> counts = job.ignore_all ? MaskOf<N>(false) : reported;
    if (job.weight != nullptr) counts = counts & !(weight == N(0));

    if (!exchanged) {
      if (job.weight != nullptr) factor = factor * weight;
      if (job.grad_output != nullptr) factor = factor * grad_output;
      const N nan(Ieee<StorageOf<N>>::kNaN);
      factor = select(finite, factor, nan);
      N loss = select(finite, terms.loss, nan);
      if (job.weight != nullptr) loss = loss * weight;
      loss = select(counts, loss, N(0));
      // 0 is selected again after the product, because 0 times a negative scale is -0.
      if (job.loss != nullptr) store.value(job.loss, select(counts, loss * N(job.loss_scale), N(0)));
      if (job.iou != nullptr) {
        store.value(job.iou, select(reported, select(finite, plain_iou(axes), nan), N(0)));
      }
      summary = {loss, !valid};
    }
    if (pass == Pass::forward) return summary;
    S* const array = exchanged ? job.grad_target : job.grad;
    if (array != nullptr) {
      Row<N, D> row = encode_gradient(job.format, pred_gradient(axes, terms));
      for (int k = 0; k < 2 * D; ++k) row.at[k] = select(counts, (finite_sum(row.at[k]) * factor) * axes.unit, N(0));
      store.row(array, row);
    }
    if (exchanged || job.grad_target == nullptr) return summary;
    pred = again.target();
    target = again.pred();
  }
}

}  // namespace scaloss
