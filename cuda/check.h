// Turns errors of CUDA calls into exceptions.
#pragma once

#include <cuda_runtime_api.h>

#include "backend.h"

namespace scaloss {

// Throws a CudaError that names the call if the call failed.
void check_cuda(cudaError_t status, const char* call);

// Ignores the status of a call that frees something. An error there comes from earlier work, and the next call that
// waits reports it.
void ignore_cuda(cudaError_t status) noexcept;

}  // namespace scaloss

#define CHECK_CUDA(call) check_cuda(call, #call)
