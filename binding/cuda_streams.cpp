#include "cuda_handles.h"

namespace scaloss {

Napi::Value open_stream(const Arguments& arguments) {
  const int device = device_argument(arguments, 0);
  auto stream = arguments.is_undefined(1)
                    ? std::make_shared<Stream>(device)
                    : std::make_shared<Stream>(device, static_cast<cudaStream_t>(arguments.pointer(1)));
  return handle_to_js(arguments.env(), std::make_unique<StreamHandle>(std::move(stream)));
}

Napi::Value stream_pointer(const Arguments& arguments) {
  return to_bigint(arguments.env(), stream_argument(arguments, 0)->handle());
}

Napi::Value synchronize_stream(const Arguments& arguments) {
  stream_argument(arguments, 0)->synchronize();
  return {};
}

Napi::Value synchronize_device(const Arguments& arguments) {
  CHECK_CUDA(cudaSetDevice(device_argument(arguments, 0)));
  CHECK_CUDA(cudaDeviceSynchronize());
  return {};
}

Napi::Value record_event(const Arguments& arguments) {
  return handle_to_js(arguments.env(), std::make_unique<EventHandle>(*stream_argument(arguments, 0)));
}

Napi::Value synchronize_event(const Arguments& arguments) {
  CHECK_CUDA(cudaEventSynchronize(arguments.handle<EventHandle>(0).event));
  return {};
}

Napi::Value elapsed_time(const Arguments& arguments) {
  const EventHandle &from = arguments.handle<EventHandle>(0), &to = arguments.handle<EventHandle>(1);
  if (from.device != to.device) throw ArgumentError{"events of two devices"};
  float milliseconds = 0;
  for (const cudaEvent_t event : {from.event, to.event}) CHECK_CUDA(cudaEventSynchronize(event));
  CHECK_CUDA(cudaEventElapsedTime(&milliseconds, from.event, to.event));
  return Napi::Number::New(arguments.env(), milliseconds);
}

Napi::Value device_memory(const Arguments& arguments) {
  const int device = device_argument(arguments, 0);
  CHECK_CUDA(cudaSetDevice(device));
  size_t available = 0, total = 0;
  CHECK_CUDA(cudaMemGetInfo(&available, &total));
  const DevicePool& pool = DevicePool::of(device);
  Napi::Array result = Napi::Array::New(arguments.env());
  for (const size_t bytes : {total, available, pool.allocated(), pool.reserved()}) {
    result[result.Length()] = Napi::Number::New(arguments.env(), double(bytes));
  }
  return result;
}

}  // namespace scaloss
