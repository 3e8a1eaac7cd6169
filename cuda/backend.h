// The CUDA backend over host arrays. Builds with CUDA implement it in probe.cpp and host_call.cpp, builds without CUDA
// in absent.cpp.
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

// The driver and the devices that were found. The first call initialises the driver, and its answer is kept for the
// life of the process.
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
  std::string name;  // the name in CUDA, such as cudaErrorMemoryAllocation
  bool is_out_of_memory;
};

// The pointers of the job are host memory, boxes is positive, and probe_cuda() has found the device. Throws CudaError;
// a later call starts afresh.
template <class T>
BoxLossSummary cuda_box_loss(const BoxLossJob<T>& job, int device);

// The same conditions apply. The matrix is computed in parts that fit into a fixed amount of device memory.
template <class T>
void cuda_pairwise(const PairwiseJob<T>& job, int device);

// Allocates host memory that copies to and from devices need not wait for. Throws CudaError.
void* cuda_allocate_pinned(size_t bytes);
void cuda_free_pinned(void* data);

}  // namespace scaloss
