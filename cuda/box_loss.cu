// The one place that maps a run-time choice of loss, options, gradients and dtype to a kernel.
#include "box_loss.cuh"

namespace scaloss {

// Blocks of 256 threads for each SM. By their registers it holds 2 to 5; any number gives the same results. A first
// guess, not yet tuned on a GPU.
constexpr int kBlocksPerMultiprocessor = 4;

// Losses of two axes have kernels of their own for training in float32. AnyLoss does for the rest, as one kernel each:
// a GPU waits for memory rather than for branches that all threads take alike.
template <class Loss, int D>
static constexpr BoxLossKernel<float> fused_kernel() {
  if constexpr (D == 2) return box_loss_kernel<Loss, 2, Pass::fused, float>;
  return nullptr;
}
static BoxLossKernel<float> kernel_of(const BoxLossJob<float>& job, bool modified, Pass pass) {
#define SCALOSS_ROW(name, Loss, axes) fused_kernel<Loss, axes>(),
  static const BoxLossKernel<float> fused[] = {SCALOSS_LOSSES(SCALOSS_ROW)};
#undef SCALOSS_ROW
  static const BoxLossKernel<float> any[kPasses] = {box_loss_kernel<AnyLoss, 2, Pass::forward, float>,
                                                    box_loss_kernel<AnyLoss, 2, Pass::fused, float>};
  if (axes_of(job.params.loss) == 3) return rare_kernel<float>(3, pass);
  return modified || pass == Pass::forward ? any[int(pass)] : fused[job.params.loss];
}
static BoxLossKernel<double> kernel_of(const BoxLossJob<double>& job, bool, Pass pass) {
  return rare_kernel<double>(axes_of(job.params.loss), pass);
}

template <class T>
cudaError_t launch_box_loss(const BoxLossJob<T>& job, bool modified, Pass pass, const ReductionWorkspace& workspace,
                            int multiprocessors, cudaStream_t stream) {
  const int64_t tiles = tile_count(job.boxes);
  const int64_t resident = int64_t(multiprocessors) * kBlocksPerMultiprocessor;
  auto grid = unsigned(tiles < resident ? tiles : resident);
#if defined(SCALOSS_EMULATED)
  grid = emulator::grid_override(grid);
#endif
  launch_kernel(kernel_of(job, modified, pass), grid, kLanes, stream, job, workspace);
  return cudaGetLastError();
}

cudaError_t check_kernel_image() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, box_loss_kernel<ScaLoss, 2, Pass::fused, float>);
}

template cudaError_t launch_box_loss(const BoxLossJob<float>&, bool, Pass, const ReductionWorkspace&, int,
                                     cudaStream_t);
template cudaError_t launch_box_loss(const BoxLossJob<double>&, bool, Pass, const ReductionWorkspace&, int,
                                     cudaStream_t);

}  // namespace scaloss
