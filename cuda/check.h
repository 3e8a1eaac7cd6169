// Errors of CUDA calls as exceptions.
#pragma once

#include <cuda_runtime_api.h>

#include "backend.h"

namespace scaloss {

// Throws a CudaError that names the call, unless it succeeded.
void check_cuda(cudaError_t status, const char* call);

// Of a call that frees something: an error then is one of earlier work, which the next call that waits reports.
void ignore_cuda(cudaError_t status) noexcept;

}  // namespace scaloss

#define CHECK_CUDA(call) check_cuda(call, #call)
