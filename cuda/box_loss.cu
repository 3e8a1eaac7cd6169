// The one place that maps a run-time choice of loss, options, gradients and dtype to a kernel.
#include "box_loss.cuh"

namespace scaloss {

// Blocks of 256 threads for each SM. By their registers it holds 2 to 5; any number gives the same results. A first
// guess, not yet tuned on a GPU.
constexpr int kBlocksPerMultiprocessor = 4;

template <class T>
using Kernel = void (*)(BoxLossJob<T>, ReductionWorkspace);

// Losses of two axes have kernels of their own for training in float32. AnyLoss does for the rest, as one kernel each:
// a GPU waits for memory rather than for branches that all threads take alike.
template <class T>
static Kernel<T> any_kernel_of(int axes, Pass pass) {
  static const Kernel<T> table[][kPasses] = {
      {box_loss_kernel<AnyLoss, 2, Pass::forward, T>, box_loss_kernel<AnyLoss, 2, Pass::fused, T>},
      {box_loss_kernel<AnyLoss, 3, Pass::forward, T>, box_loss_kernel<AnyLoss, 3, Pass::fused, T>}};
  return table[axes - 2][int(pass)];
}

template <class Loss, int D>
static constexpr Kernel<float> fused_kernel() {
  if constexpr (D == 2) return box_loss_kernel<Loss, 2, Pass::fused, float>;
  return nullptr;
}
static Kernel<float> kernel_of(const BoxLossJob<float>& job, bool modified, Pass pass) {
#define SCALOSS_ROW(name, Loss, axes) fused_kernel<Loss, axes>(),
  static const Kernel<float> fused[] = {SCALOSS_LOSSES(SCALOSS_ROW)};
#undef SCALOSS_ROW
  const Kernel<float> own = modified || pass == Pass::forward ? nullptr : fused[job.params.loss];
  return own != nullptr ? own : any_kernel_of<float>(axes_of(job.params.loss), pass);
}
static Kernel<double> kernel_of(const BoxLossJob<double>& job, bool, Pass pass) {
  return any_kernel_of<double>(axes_of(job.params.loss), pass);
}

template <class T>
cudaError_t launch_box_loss(const BoxLossJob<T>& job, bool modified, Pass pass, const ReductionWorkspace& workspace,
                            int multiprocessors, cudaStream_t stream) {
  const int64_t tiles = tile_count(job.boxes);
  const int64_t resident = int64_t(multiprocessors) * kBlocksPerMultiprocessor;
  const auto grid = unsigned(tiles < resident ? tiles : resident);
  launch_kernel(kernel_of(job, modified, pass), grid, kLanes, stream, job, workspace);
  return cudaGetLastError();
}

cudaError_t check_kernel_image() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, any_kernel_of<float>(2, Pass::forward));
}

template cudaError_t launch_box_loss(const BoxLossJob<float>&, bool, Pass, const ReductionWorkspace&, int,
                                     cudaStream_t);
template cudaError_t launch_box_loss(const BoxLossJob<double>&, bool, Pass, const ReductionWorkspace&, int,
                                     cudaStream_t);

}  // namespace scaloss
