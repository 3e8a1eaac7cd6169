#include "check.h"
#include "launch.h"

namespace scaloss {

void check_cuda(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // an error that CUDA can recover from must not be reported again by the next call
  throw CudaError(cudaGetErrorName(status), status == cudaErrorMemoryAllocation,
                  std::string(call) + ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}

void ignore_cuda(cudaError_t status) noexcept {
  if (status != cudaSuccess) cudaGetLastError();  // or the next launch would report it
}

static std::string reason_of(cudaError_t status, int driver) {
  if (driver == 0) return "no-driver";
  switch (status) {
    case cudaErrorInsufficientDriver:
      return "driver-too-old";
    case cudaErrorNoDevice:
      return "no-device";
    case cudaErrorNoKernelImageForDevice:
      return "no-kernel-image";
    default:
      return "error";
  }
}

static CudaProbe probe_now() {
  CudaProbe probe = {};
  cudaDriverGetVersion(&probe.driver);
  cudaRuntimeGetVersion(&probe.runtime);
  int count = 0;
  cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count == 0) status = cudaErrorNoDevice;
  for (int i = 0; i < count && status == cudaSuccess; ++i) {
    cudaDeviceProp properties;
    status = cudaGetDeviceProperties(&properties, i);
    if (status == cudaSuccess) {
      probe.devices.push_back({properties.name, properties.major, properties.minor, properties.multiProcessorCount,
                               properties.totalGlobalMem});
    }
  }
  if (status == cudaSuccess) status = check_kernel_image();
  if (status != cudaSuccess) {
    probe.reason = reason_of(status, probe.driver);
    // Without a driver, the message from CUDA is about a driver that is too old.
    probe.message = probe.driver == 0 ? "no NVIDIA driver is installed"
                                      : std::string(cudaGetErrorName(status)) + ": " + cudaGetErrorString(status);
    cudaGetLastError();
  }
  return probe;
}

const CudaProbe& probe_cuda() {
  static const CudaProbe probe = probe_now();
  return probe;
}

}  // namespace scaloss
