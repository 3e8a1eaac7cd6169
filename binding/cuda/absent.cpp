// The CUDA backend of a build without nvcc.
#include "backend.h"

namespace scaloss {

const CudaProbe& probe_cuda() {
  static const CudaProbe probe = {"not-built", "this addon was built without a CUDA compiler (nvcc)", 0, 0, {}};
  return probe;
}

template <class T>
BoxLossSummary cuda_box_loss(const BoxLossJob<T>&, bool, Pass, int) {
  throw CudaError("cudaErrorNotSupported", false, probe_cuda().message);
}

template BoxLossSummary cuda_box_loss(const BoxLossJob<float>&, bool, Pass, int);
template BoxLossSummary cuda_box_loss(const BoxLossJob<double>&, bool, Pass, int);

template <class T>
void cuda_pairwise(const PairwiseJob<T>&, int) {
  throw CudaError("cudaErrorNotSupported", false, probe_cuda().message);
}

template void cuda_pairwise(const PairwiseJob<float>&, int);
template void cuda_pairwise(const PairwiseJob<double>&, int);

}  // namespace scaloss
