// The CUDA backend of a build without nvcc.
#include "backend.h"

namespace scaloss {

const CudaProbe& probe_cuda() {
  static const CudaProbe probe = {"not-built", "this addon was built without a CUDA compiler (nvcc)", 0, 0, {}};
  return probe;
}

template <class T>
BoxLossSummary cuda_box_loss(const BoxLossJob<T>&, int, Pass, int) {
  throw CudaError("cudaErrorNotSupported", false, probe_cuda().message);
}

template BoxLossSummary cuda_box_loss(const BoxLossJob<float>&, int, Pass, int);
template BoxLossSummary cuda_box_loss(const BoxLossJob<double>&, int, Pass, int);

}  // namespace scaloss
