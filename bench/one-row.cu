// One row of a loss with nothing optional: xyxy, mean, gradient for the prediction. bench/kernels.mjs counts the
// instructions, which is what a kernel of cuda/box_loss.cuh executes for a regular pair on its plain path.
#include "../cuda/box_loss.cuh"

namespace scaloss {

template <class Loss>
__global__ void one_row_kernel(const float* pred, const float* target, float* grad, double* lanes,
                               const __grid_constant__ LossParams<float> params, float grad_scale) {
  BoxLossJob<float> job = {};
  job.params = params;
  job.params.epsilon = 0;
  job.params.enlarge_small = 1;
  job.pred = pred;
  job.target = target;
  job.grad = grad;
  job.loss_scale = 1;
  job.grad_scale = grad_scale;
  const int64_t row = threadIdx.x;
  const RowInput<float, 2> in = load_input<2>(job, row);
  const Box<float> first = decode(job.format, in.pred), second = decode(job.format, in.target);
  constexpr Range range = Loss::kRange;
  if (!is_in<range>(first, second, 0.0f)) return;
  const RowSummary<float> summary = run_row<Loss, Pass::fused, range>(job, first, second, in, row);
  lanes[row] += double(summary.weighted_loss) + summary.invalid;
}

// The kernel of each loss of two axes: named, so that it is compiled.
struct OneRowOfLoss {
  template <class Listed>
  void* operator()(Listed) const {
    if constexpr (Listed::kAxes == 2) return (void*)one_row_kernel<typename Listed::Loss>;
    return nullptr;
  }
};
const LossTable<void*> one_row_kernels = table_by_loss(OneRowOfLoss());

}  // namespace scaloss
