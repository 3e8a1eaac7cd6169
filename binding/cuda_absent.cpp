// The functions over streams and tensors in a build without nvcc.
#include "../cuda/backend.h"
#include "cuda_objects.h"

namespace scaloss {

#define SCALOSS_DEFINE(name, function)                                     \
  Napi::Value function(const Arguments&) {                                 \
    throw CudaError("cudaErrorNotSupported", false, probe_cuda().message); \
  }
SCALOSS_CUDA_FUNCTIONS(SCALOSS_DEFINE)
#undef SCALOSS_DEFINE

}  // namespace scaloss
