// The functions over streams and tensors in a build without nvcc.
#include "../cuda/backend.h"
#include "arguments.h"
#include "cuda_objects.h"

namespace scaloss {

#define SCALOSS_DEFINE(name, function)                                                                              \
  napi_value function(napi_env env, napi_callback_info) {                                                           \
    return with_js_errors(                                                                                          \
        env, #name, []() -> napi_value { throw CudaError("cudaErrorNotSupported", false, probe_cuda().message); }); \
  }
SCALOSS_CUDA_FUNCTIONS(SCALOSS_DEFINE)
#undef SCALOSS_DEFINE

}  // namespace scaloss
