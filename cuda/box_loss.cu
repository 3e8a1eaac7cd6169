// The one place that maps a run-time choice of loss, gradients and dtype to a kernel.
#include "box_loss.cuh"

namespace scaloss {

// Blocks of 256 threads for each SM. By their registers (float32: 48 to 73 a thread) it holds 3 to 5; any number gives
// the same results. A first guess, not yet tuned on a GPU.
constexpr int kBlocksPerMultiprocessor = 4;

template <class T>
using Kernel = void (*)(BoxLossJob<T>, ReductionWorkspace);

template <class T>
static Kernel<T> kernel_of(int loss, Pass pass) {
#define SCALOSS_ROW(name, Loss) {box_loss_kernel<Loss, Pass::forward, T>, box_loss_kernel<Loss, Pass::fused, T>},
  static const Kernel<T> table[][kPasses] = {SCALOSS_LOSSES(SCALOSS_ROW)};
#undef SCALOSS_ROW
  return table[loss][int(pass)];
}

template <class T>
cudaError_t launch_box_loss(const BoxLossJob<T>& job, int loss, Pass pass, const ReductionWorkspace& workspace,
                            int multiprocessors, cudaStream_t stream) {
  const int64_t tiles = tile_count(job.boxes);
  const int64_t resident = int64_t(multiprocessors) * kBlocksPerMultiprocessor;
  const auto grid = unsigned(tiles < resident ? tiles : resident);
  launch_kernel(kernel_of<T>(loss, pass), grid, kLanes, stream, job, workspace);
  return cudaGetLastError();
}

cudaError_t check_kernel_image() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, kernel_of<float>(0, Pass::forward));
}

template cudaError_t launch_box_loss(const BoxLossJob<float>&, int, Pass, const ReductionWorkspace&, int, cudaStream_t);
template cudaError_t launch_box_loss(const BoxLossJob<double>&, int, Pass, const ReductionWorkspace&, int,
                                     cudaStream_t);

}  // namespace scaloss
