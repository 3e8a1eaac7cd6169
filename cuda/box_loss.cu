// The one place that maps a run-time choice of loss, options, gradients and dtype to a kernel.
#include "box_loss.cuh"

namespace scaloss {

// Losses of two axes have separate kernels for training in float32. AnyLoss serves the rest with one kernel for all
// losses, because a GPU waits for memory rather than for branches that all threads take alike.
struct FusedKernelOfLoss {
  template <class Listed>
  constexpr BoxLossKernel<float> operator()(Listed) const {
    if constexpr (Listed::kAxes == 2) return kernel_for<typename Listed::Loss, 2, Pass::fused, float>();
    return {};
  }
};

template <class S>
static BoxLossKernel<S> kernel_of(const BoxLossJob<S>& job) {
  return rare_kernel<S>(axes_of(job.params.loss), pass_of(job));
}
template <>
BoxLossKernel<float> kernel_of(const BoxLossJob<float>& job) {
  static const LossTable<BoxLossKernel<float>> fused = table_by_loss(FusedKernelOfLoss());
  static const BoxLossKernel<float> any[kPasses] = {kernel_for<AnyLoss, 2, Pass::forward, float>(),
                                                    kernel_for<AnyLoss, 2, Pass::fused, float>()};
  const Pass pass = pass_of(job);
  if (axes_of(job.params.loss) == 3) return rare_kernel<float>(3, pass);
  return job.params.modified || pass == Pass::forward ? any[int(pass)] : fused[job.params.loss];
}

// There are as many blocks as run at once, each with its share of the tiles. A second wave would leave most of the GPU
// idle.
template <class S>
unsigned box_loss_blocks(const BoxLossJob<S>& job, int multiprocessors) {
  const int64_t tiles = tile_count(job.boxes), resident = int64_t(multiprocessors) * kernel_of(job).resident;
  return grid_of(tiles < resident ? tiles : resident);
}

template <class S>
cudaError_t launch_box_loss(const BoxLossJob<S>& job, const ReductionWorkspace& workspace, int multiprocessors,
                            cudaStream_t stream) {
  launch_kernel(kernel_of(job).run, box_loss_blocks(job, multiprocessors), kLanes, stream, job, workspace);
  return cudaGetLastError();
}

cudaError_t check_kernel_image() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, box_loss_kernel<ScaLoss, 2, Pass::fused, float>);
}

#define SCALOSS_INSTANTIATE(S)                                                  \
  template unsigned box_loss_blocks(const BoxLossJob<S>&, int multiprocessors); \
  template cudaError_t launch_box_loss(const BoxLossJob<S>&, const ReductionWorkspace&, int, cudaStream_t);
SCALOSS_INSTANTIATE(float)
SCALOSS_INSTANTIATE(double)
SCALOSS_INSTANTIATE(Float16)
SCALOSS_INSTANTIATE(BFloat16)
#undef SCALOSS_INSTANTIATE

}  // namespace scaloss
