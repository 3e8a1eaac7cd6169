#include "cuda_handles.h"

namespace scaloss {

napi_value open_stream(napi_env env, napi_callback_info info) {
  return with_values(env, info, "openStream", [](const Values& values) {
    const int device = values.device(0);
    auto stream = values.is_undefined(1)
                      ? std::make_shared<Stream>(device)
                      : std::make_shared<Stream>(device, static_cast<cudaStream_t>(values.pointer(1)));
    return handle_to_js(values.env(), std::make_unique<StreamHandle>(std::move(stream)));
  });
}

napi_value stream_pointer(napi_env env, napi_callback_info info) {
  return with_values(env, info, "streamPointer",
                     [](const Values& values) { return to_bigint(values.env(), values.stream(0)->handle()); });
}

napi_value synchronize_stream(napi_env env, napi_callback_info info) {
  return with_values(env, info, "synchronizeStream", [](const Values& values) -> napi_value {
    values.stream(0)->synchronize();
    return nullptr;
  });
}

napi_value synchronize_device(napi_env env, napi_callback_info info) {
  return with_values(env, info, "synchronizeDevice", [](const Values& values) -> napi_value {
    CHECK_CUDA(cudaSetDevice(values.device(0)));
    CHECK_CUDA(cudaDeviceSynchronize());
    return nullptr;
  });
}

napi_value record_event(napi_env env, napi_callback_info info) {
  return with_values(env, info, "recordEvent", [](const Values& values) {
    return handle_to_js(values.env(), std::make_unique<EventHandle>(*values.stream(0)));
  });
}

napi_value synchronize_event(napi_env env, napi_callback_info info) {
  return with_values(env, info, "synchronizeEvent", [](const Values& values) -> napi_value {
    CHECK_CUDA(cudaEventSynchronize(values.handle<EventHandle>(0).event));
    return nullptr;
  });
}

napi_value elapsed_time(napi_env env, napi_callback_info info) {
  return with_values(env, info, "elapsedTime", [](const Values& values) {
    const EventHandle &from = values.handle<EventHandle>(0), &to = values.handle<EventHandle>(1);
    if (from.device != to.device) throw ArgumentError{"events of two devices"};
    float milliseconds = 0;
    for (const cudaEvent_t event : {from.event, to.event}) CHECK_CUDA(cudaEventSynchronize(event));
    CHECK_CUDA(cudaEventElapsedTime(&milliseconds, from.event, to.event));
    napi_value result;
    napi_create_double(values.env(), milliseconds, &result);
    return result;
  });
}

napi_value device_memory(napi_env env, napi_callback_info info) {
  return with_values(env, info, "deviceMemory", [](const Values& values) {
    const int device = values.device(0);
    CHECK_CUDA(cudaSetDevice(device));
    size_t available = 0, total = 0;
    CHECK_CUDA(cudaMemGetInfo(&available, &total));
    const DevicePool& pool = DevicePool::of(device);
    napi_value result;
    napi_create_array(values.env(), &result);
    uint32_t i = 0;
    for (const size_t bytes : {total, available, pool.allocated(), pool.reserved()}) {
      napi_value number;
      napi_create_double(values.env(), double(bytes), &number);
      napi_set_element(values.env(), result, i++, number);
    }
    return result;
  });
}

}  // namespace scaloss
