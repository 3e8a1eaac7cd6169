// The CUDA backend of a build without nvcc.
#include "backend.h"

namespace scaloss {

const CudaProbe& probe_cuda() {
  static const CudaProbe probe = {"not-built", "this addon was built without a CUDA compiler (nvcc)", 0, 0, {}};
  return probe;
}

template <class T>
BoxLossSummary cuda_box_loss(const BoxLossJob<T>&, int) {
  throw CudaError("cudaErrorNotSupported", false, probe_cuda().message);
}

template BoxLossSummary cuda_box_loss(const BoxLossJob<float>&, int);
template BoxLossSummary cuda_box_loss(const BoxLossJob<double>&, int);

template <class T>
void cuda_pairwise(const PairwiseJob<T>&, int) {
  throw CudaError("cudaErrorNotSupported", false, probe_cuda().message);
}

template void cuda_pairwise(const PairwiseJob<float>&, int);
template void cuda_pairwise(const PairwiseJob<double>&, int);

void* cuda_allocate_pinned(size_t) {
  throw CudaError("cudaErrorNotSupported", false, probe_cuda().message);
}
void cuda_free_pinned(void*) {}

}  // namespace scaloss
