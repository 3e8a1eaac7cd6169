// What JavaScript holds of CUDA, and how functions over it read their arguments.
#pragma once

#include <iterator>

#include "../core/dtypes.h"
#include "../cuda/stream.h"
#include "cuda_objects.h"
#include "handle.h"

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

// The arguments of a function that has no block of numbers.
class Values {
 public:
  Values(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = std::size(values_);
    napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
  }
  napi_env env() const { return env_; }

  template <class T>
  T& handle(int i) const {
    return handle_from_js<T>(env_, values_[i]);
  }
  const std::shared_ptr<Stream>& stream(int i) const { return handle<StreamHandle>(i).stream; }

  // A whole number from 0 to below `limit`.
  size_t number(int i, double limit, const char* what) const {
    double value = -1;
    napi_get_value_double(env_, values_[i], &value);
    if (!(value >= 0 && value < limit && value == double(int64_t(value)))) {
      throw ArgumentError{std::string(what) + " is out of range"};
    }
    return size_t(value);
  }
  int device(int i) const { return int(number(i, double(probe_cuda().devices.size()), "device")); }
  DType dtype(int i) const { return DType(number(i, kDTypes, "dtype")); }
  // Numbers of a tensor; 2^50 of 8 bytes fit into a size_t.
  size_t length(int i) const { return number(i, 0x1p50, "length"); }

  bool boolean(int i) const {
    bool value = false;
    napi_get_value_bool(env_, values_[i], &value);
    return value;
  }
  bool is_undefined(int i) const {
    napi_valuetype type;
    return napi_typeof(env_, values_[i], &type) == napi_ok && type == napi_undefined;
  }
  void* pointer(int i) const {
    uint64_t value = 0;
    bool lossless = false;
    if (napi_get_value_bigint_uint64(env_, values_[i], &value, &lossless) != napi_ok || !lossless) {
      throw ArgumentError{"a pointer is no bigint of 64 bits"};
    }
    return reinterpret_cast<void*>(value);
  }
  ArrayView array(int i) const {
    ArrayView view;
    if (napi_get_typedarray_info(env_, values_[i], &view.type, &view.length, &view.data, nullptr, nullptr) != napi_ok) {
      throw ArgumentError{"argument " + std::to_string(i) + " is no typed array"};
    }
    return view;
  }

 private:
  napi_env env_;
  napi_value values_[4];
};

template <class Body>
napi_value with_values(napi_env env, napi_callback_info info, const char* function, Body body) {
  return with_js_errors(env, function, [=]() -> napi_value { return body(Values(env, info)); });
}

inline napi_value to_bigint(napi_env env, const void* pointer) {
  napi_value value;
  napi_create_bigint_uint64(env, reinterpret_cast<uint64_t>(pointer), &value);
  return value;
}

}  // namespace scaloss
