// The CUDA objects that JavaScript holds, and how functions over them read their arguments.
#pragma once

#include <iterator>

#include "../core/dtypes.h"
#include "../cuda/stream.h"
#include "cuda_objects.h"

namespace scaloss {

struct StreamHandle : Handle {
  explicit StreamHandle(std::shared_ptr<Stream> s) : stream(std::move(s)) {}
  const std::shared_ptr<Stream> stream;
};

struct EventHandle : Handle {
  explicit EventHandle(const Stream& stream) : device(stream.device) {
    CHECK_CUDA(cudaSetDevice(device));
    CHECK_CUDA(cudaEventCreate(&event));
    const cudaError_t status = cudaEventRecord(event, stream.handle());
    if (status != cudaSuccess) cudaEventDestroy(event);
    check_cuda(status, "cudaEventRecord");
  }
  ~EventHandle() override { ignore_cuda(cudaEventDestroy(event)); }
  const int device;
  cudaEvent_t event = nullptr;
};

struct TensorHandle : Handle {
  TensorHandle(std::shared_ptr<DeviceMemory> m, DType d, size_t first_byte, size_t count)
      : memory(std::move(m)), dtype(d), offset(first_byte), length(count) {}
  int64_t external_bytes() const override { return memory->is_foreign ? 0 : int64_t(bytes()); }
  size_t bytes() const { return length * size_of(dtype); }
  char* data() const { return memory->data() + offset; }

  const std::shared_ptr<DeviceMemory> memory;
  const DType dtype;
  const size_t offset;  // bytes
  const size_t length;
};

inline const std::shared_ptr<Stream>& stream_argument(const Arguments& arguments, int i) {
  return arguments.handle<StreamHandle>(i).stream;
}
inline int device_argument(const Arguments& arguments, int i) {
  return int(arguments.whole_number(i, double(probe_cuda().devices.size()), "device"));
}
inline DType dtype_argument(const Arguments& arguments, int i) {
  return DType(arguments.whole_number(i, kDTypes, "dtype"));
}
// The number of elements of a tensor. 2^50 elements of 8 bytes fit into a size_t.
inline size_t length_argument(const Arguments& arguments, int i) {
  return arguments.whole_number(i, 0x1p50, "length");
}

inline Napi::Value to_bigint(Napi::Env env, const void* pointer) {
  return Napi::BigInt::New(env, uint64_t(reinterpret_cast<uintptr_t>(pointer)));
}

}  // namespace scaloss
