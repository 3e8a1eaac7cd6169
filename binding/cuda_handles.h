// What JavaScript holds of CUDA, and how functions over it read their arguments.
#pragma once

#include <iterator>

#include "../cuda/stream.h"
#include "cuda_objects.h"

namespace scaloss {

enum class DType : int {
#define SCALOSS_ROW(name, Type) name,
  SCALOSS_DTYPES(SCALOSS_ROW)
#undef SCALOSS_ROW
};
#define SCALOSS_ROW(name, Type) sizeof(Type),
constexpr size_t kSizes[] = {SCALOSS_DTYPES(SCALOSS_ROW)};
#undef SCALOSS_ROW
constexpr int kDTypes = int(std::size(kSizes));

template <class S>
constexpr DType kDTypeOf = DType();
#define SCALOSS_ROW(name, Type) \
  template <>                   \
  constexpr DType kDTypeOf<Type> = DType::name;
SCALOSS_DTYPES(SCALOSS_ROW)
#undef SCALOSS_ROW

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
  size_t bytes() const { return length * kSizes[int(dtype)]; }
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
// Numbers of a tensor; 2^50 of 8 bytes fit into a size_t.
inline size_t length_argument(const Arguments& arguments, int i) {
  return arguments.whole_number(i, 0x1p50, "length");
}

inline Napi::Value to_bigint(Napi::Env env, const void* pointer) {
  return Napi::BigInt::New(env, uint64_t(reinterpret_cast<uintptr_t>(pointer)));
}

}  // namespace scaloss
