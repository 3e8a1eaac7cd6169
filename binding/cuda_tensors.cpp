#include <vector>

#include "cuda_handles.h"

namespace scaloss {

namespace {

// How a JavaScript array holds the numbers of a tensor: in the same type, or as float if the tensor has a 16-bit type.
enum class HostForm { same, wide };
HostForm form_of(const TensorHandle& tensor, const ArrayView& array) {
  if (array.length != tensor.length) throw ArgumentError{"an array and a tensor differ in length"};
  const bool is_16_bit = size_of(tensor.dtype) == 2;
  if (array.type == napi_uint16_array && is_16_bit) return HostForm::same;
  if (array.type == napi_float32_array && is_16_bit) return HostForm::wide;
  if (array.type == napi_float32_array && tensor.dtype == DType::float32) return HostForm::same;
  if (array.type == napi_float64_array && tensor.dtype == DType::float64) return HostForm::same;
  throw ArgumentError{"an array does not go with the dtype of a tensor"};
}

// Convert from float to a 16-bit dtype and back.
void narrow_all(DType dtype, const float* from, uint16_t* to, size_t count) {
  dispatch_dtype(dtype, [=](auto stored) {
    using S = typename decltype(stored)::type;
    if constexpr (sizeof(S) == sizeof *to) {
      for (size_t i = 0; i < count; ++i) to[i] = narrow<S>(from[i]).bits;
    }
  });
}
void widen_all(DType dtype, const uint16_t* from, float* to, size_t count) {
  dispatch_dtype(dtype, [=](auto stored) {
    using S = typename decltype(stored)::type;
    if constexpr (sizeof(S) == sizeof *from) {
      for (size_t i = 0; i < count; ++i) to[i] = widen(S{from[i]});
    }
  });
}

void copy_and_wait(const TensorHandle& tensor, void* to, const void* from, cudaMemcpyKind kind) {
  if (tensor.bytes() == 0) return;
  CHECK_CUDA(cudaSetDevice(tensor.memory->device()));
  const std::shared_ptr<Stream> stream = tensor.memory->stream();
  tensor.memory->use_on(stream);
  CHECK_CUDA(cudaMemcpyAsync(to, from, tensor.bytes(), kind, stream->handle()));
  // A copy of pinned memory may still be in progress, and JavaScript may change or free the memory.
  stream->synchronize();
}

}  // namespace

Napi::Value new_tensor(const Arguments& arguments) {
  const std::shared_ptr<Stream>& stream = stream_argument(arguments, 0);
  const DType dtype = dtype_argument(arguments, 1);
  const size_t length = length_argument(arguments, 2), bytes = length * size_of(dtype);
  CHECK_CUDA(cudaSetDevice(stream->device));
  // At least one byte is allocated, so that a tensor without elements has an address too.
  auto memory = std::make_shared<DeviceMemory>(stream, bytes == 0 ? 1 : bytes);
  if (arguments.boolean(3)) CHECK_CUDA(cudaMemsetAsync(memory->data(), 0, memory->bytes, stream->handle()));
  return handle_to_js(arguments.env(), std::make_unique<TensorHandle>(std::move(memory), dtype, 0, length));
}

Napi::Value foreign_tensor(const Arguments& arguments) {
  const std::shared_ptr<Stream>& stream = stream_argument(arguments, 0);
  const DType dtype = dtype_argument(arguments, 1);
  const size_t length = length_argument(arguments, 2);
  void* const pointer = arguments.pointer(3);
  cudaPointerAttributes attributes = {};  // as for unregistered memory
  const cudaError_t status = cudaPointerGetAttributes(&attributes, pointer);
  // For memory that CUDA does not know, it returns either those attributes or this status.
  if (status == cudaErrorInvalidValue)
    ignore_cuda(status);
  else
    check_cuda(status, "cudaPointerGetAttributes");
  const bool is_device = attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
  if (!is_device || attributes.device != stream->device) {
    throw ArgumentError{"a pointer is not to memory of the device"};
  }
  auto memory = std::make_shared<DeviceMemory>(stream, pointer, length * size_of(dtype));
  return handle_to_js(arguments.env(), std::make_unique<TensorHandle>(std::move(memory), dtype, 0, length));
}

Napi::Value sub_tensor(const Arguments& arguments) {
  const TensorHandle& tensor = arguments.handle<TensorHandle>(0);
  const size_t begin = length_argument(arguments, 1), length = length_argument(arguments, 2);
  if (begin > tensor.length || length > tensor.length - begin) throw ArgumentError{"a part beyond its tensor"};
  const size_t offset = tensor.offset + begin * size_of(tensor.dtype);
  return handle_to_js(arguments.env(), std::make_unique<TensorHandle>(tensor.memory, tensor.dtype, offset, length));
}

Napi::Value tensor_pointer(const Arguments& arguments) {
  return to_bigint(arguments.env(), arguments.handle<TensorHandle>(0).data());
}

Napi::Value write_tensor(const Arguments& arguments) {
  const TensorHandle& tensor = arguments.handle<TensorHandle>(0);
  const ArrayView array = arguments.array(1);
  const void* from = array.data;
  std::vector<uint16_t> narrowed;
  if (form_of(tensor, array) == HostForm::wide) {
    narrowed.resize(tensor.length);
    narrow_all(tensor.dtype, static_cast<const float*>(array.data), narrowed.data(), tensor.length);
    from = narrowed.data();
  }
  copy_and_wait(tensor, tensor.data(), from, cudaMemcpyHostToDevice);
  return {};
}

Napi::Value read_tensor(const Arguments& arguments) {
  const TensorHandle& tensor = arguments.handle<TensorHandle>(0);
  const ArrayView array = arguments.array(1);
  const bool is_wide = form_of(tensor, array) == HostForm::wide;
  std::vector<uint16_t> narrow(is_wide ? tensor.length : 0);
  copy_and_wait(tensor, is_wide ? narrow.data() : array.data, tensor.data(), cudaMemcpyDeviceToHost);
  if (is_wide) widen_all(tensor.dtype, narrow.data(), static_cast<float*>(array.data), tensor.length);
  return {};
}

Napi::Value copy_tensor(const Arguments& arguments) {
  const std::shared_ptr<Stream>& stream = stream_argument(arguments, 0);
  const TensorHandle &to = arguments.handle<TensorHandle>(1), &from = arguments.handle<TensorHandle>(2);
  if (to.dtype != from.dtype || to.length != from.length || to.memory->device() != stream->device ||
      from.memory->device() != stream->device) {
    throw ArgumentError{"tensors differ in dtype, length or device"};
  }
  if (to.bytes() == 0) return {};
  CHECK_CUDA(cudaSetDevice(stream->device));
  to.memory->use_on(stream);
  from.memory->use_on(stream);
  CHECK_CUDA(cudaMemcpyAsync(to.data(), from.data(), to.bytes(), cudaMemcpyDeviceToDevice, stream->handle()));
  stream->mark_use();
  return {};
}

}  // namespace scaloss
