#include "node_api.h"

#include <exception>
#include <new>

#include "../cuda/backend.h"

namespace scaloss {

Arguments::Arguments(napi_env env, napi_callback_info info) : env_(env) {
  size_t count = kMaxArguments;
  napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
}

ArrayView Arguments::array(int i) const {
  ArrayView view;
  if (napi_get_typedarray_info(env_, values_[i], &view.type, &view.length, &view.data, nullptr, nullptr) != napi_ok) {
    throw ArgumentError{"argument " + std::to_string(i) + " is no typed array"};
  }
  return view;
}

ArrayView Arguments::boxes(int i, size_t columns) const {
  const ArrayView boxes = array(i);
  if (boxes.type != napi_float32_array && boxes.type != napi_float64_array) {
    throw ArgumentError{"argument " + std::to_string(i) + " is neither a Float32Array nor a Float64Array"};
  }
  if (boxes.length == 0 || boxes.length % columns != 0) {
    throw ArgumentError{"argument " + std::to_string(i) + " is not [N, 2 axes of the loss], N > 0"};
  }
  return boxes;
}

Handle& Arguments::any_handle(int i) const {
  napi_valuetype type;
  void* data = nullptr;
  if (napi_typeof(env_, values_[i], &type) != napi_ok || type != napi_external ||
      napi_get_value_external(env_, values_[i], &data) != napi_ok) {
    throw ArgumentError{"expected a handle"};
  }
  Handle* const object = static_cast<HeldHandle*>(data)->object.get();
  if (object == nullptr) throw ArgumentError{"a handle was released before"};
  return *object;
}

size_t Arguments::whole_number(int i, double limit, const char* what) const {
  double value = -1;
  napi_get_value_double(env_, values_[i], &value);
  if (!(value >= 0 && value < limit && value == double(int64_t(value)))) {
    throw ArgumentError{std::string(what) + " is out of range"};
  }
  return size_t(value);
}

bool Arguments::boolean(int i) const {
  bool value = false;
  napi_get_value_bool(env_, values_[i], &value);
  return value;
}

bool Arguments::is_undefined(int i) const {
  napi_valuetype type;
  return napi_typeof(env_, values_[i], &type) == napi_ok && type == napi_undefined;
}

void* Arguments::pointer(int i) const {
  uint64_t value = 0;
  bool lossless = false;
  if (napi_get_value_bigint_uint64(env_, values_[i], &value, &lossless) != napi_ok || !lossless) {
    throw ArgumentError{"a pointer is no bigint of 64 bits"};
  }
  return reinterpret_cast<void*>(value);
}

Napi::Error to_js_error(Napi::Env env, const std::string& function) {
  try {
    throw;
  } catch (const Napi::Error& error) {
    return error;
  } catch (const ArgumentError& error) {
    return Napi::TypeError::New(env, function + ": " + error.message);
  } catch (const CudaError& error) {
    Napi::Error cuda = Napi::Error::New(env, error.what());
    cuda.Set("cudaName", Napi::String::New(env, error.name));
    cuda.Set("outOfMemory", Napi::Boolean::New(env, error.is_out_of_memory));
    return cuda;
  } catch (const std::bad_alloc&) {
    Napi::Error memory = Napi::Error::New(env, "out of memory");
    memory.Set("hostOutOfMemory", Napi::Boolean::New(env, true));
    return memory;
  } catch (const std::exception& error) {
    return Napi::Error::New(env, error.what());
  }
}

void throw_in_js(napi_env env, napi_callback_info info) {
  void* name = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &name);
  try {
    napi_throw(env, to_js_error(env, static_cast<const char*>(name)).Value());
  } catch (const Napi::Error&) {
    // The worker is being ended, so nobody waits for the error.
  }
}

void export_function(Napi::Object exports, const char* name, napi_callback callback) {
  napi_value function;
  if (napi_create_function(exports.Env(), name, NAPI_AUTO_LENGTH, callback, const_cast<char*>(name), &function) !=
      napi_ok) {
    throw Napi::Error::New(exports.Env());
  }
  exports.Set(name, function);
}

namespace {

struct Finalizer {
  void (*finalize)(void* hint);
  void* hint;
};

}  // namespace

Napi::Value external_buffer(Napi::Env env, void* data, size_t bytes, void (*finalize)(void* hint), void* hint) {
  auto* const finalizer = new Finalizer{finalize, hint};
  const auto run = [](napi_env, void*, void* pointer) {
    auto* const finalizer = static_cast<Finalizer*>(pointer);
    finalizer->finalize(finalizer->hint);
    delete finalizer;
  };
  napi_value buffer;
  const napi_status status = napi_create_external_arraybuffer(env, data, bytes, run, finalizer, &buffer);
  if (status == napi_ok) return {env, buffer};
  // If Node finds the buffer too large while creating it, it has already called the finalizer. Other refusals come
  // earlier.
  if (status != napi_generic_failure) run(env, data, finalizer);
  return env.Undefined();
}

}  // namespace scaloss
