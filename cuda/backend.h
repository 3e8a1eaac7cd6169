// The CUDA backend over host arrays. Built as probe.cpp and host_call.cpp with CUDA, as absent.cpp without.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "../core/job.h"
#include "../core/pairwise.h"

namespace scaloss {

struct CudaDevice {
  std::string name;
  int major, minor;  // compute capability
  int multiprocessors;
  size_t memory;  // bytes
};

// What is there. The first call initialises the driver; the answer is kept for the life of the process.
struct CudaProbe {
  std::string
      reason;  // empty when usable, else not-built, no-driver, driver-too-old, no-device, no-kernel-image, error
  std::string message;  // what CUDA itself says
  int driver, runtime;  // 13000 is CUDA 13.0; 0 if there is none
  std::vector<CudaDevice> devices;
};
const CudaProbe& probe_cuda();

struct CudaError : std::runtime_error {
  CudaError(std::string cuda_name, bool out_of_memory, const std::string& message)
      : std::runtime_error(message), name(std::move(cuda_name)), is_out_of_memory(out_of_memory) {}
  std::string name;  // CUDA's own, as cudaErrorMemoryAllocation
  bool is_out_of_memory;
};

// Pointers of the job are host memory; boxes > 0; probe_cuda() found the device. Throws CudaError; the next call starts
// anew.
template <class T>
BoxLossSummary cuda_box_loss(const BoxLossJob<T>& job, int device);

// Likewise. The matrix is computed in parts that fit into a fixed amount of device memory.
template <class T>
void cuda_pairwise(const PairwiseJob<T>& job, int device);

// Memory of the host that copies to and from devices need not wait for. Throws CudaError.
void* cuda_allocate_pinned(size_t bytes);
void cuda_free_pinned(void* data);

}  // namespace scaloss
