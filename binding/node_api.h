// The boundary to JavaScript: how functions read their arguments, and how errors are reported. Only this file and
// node_api.cpp use plain Node-API. Everything else uses node-addon-api.
//
// The plain calls have two reasons. They read the arguments of boxLoss, of which four are typed arrays, in less than
// half the time that node-addon-api takes, and the time saved is a third of a small call. And a worker that is being
// ended takes no exceptions: node-addon-api would answer that with a C++ exception that ends the process.
#pragma once

#include <napi.h>

#include <string>

#include "handle.h"

namespace scaloss {

// An error in an argument. It becomes a TypeError.
struct ArgumentError {
  std::string message;
};

// The memory of a typed array. Its buffer is not requested, because a shared one has no ArrayBuffer.
struct ArrayView {
  napi_typedarray_type type;
  size_t length;
  void* data;
};

// The arguments of a call from JavaScript. TypeScript has checked everything that a user can get wrong. Whatever memory
// safety depends on is checked again here. Every method throws an ArgumentError.
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info);

  Napi::Env env() const { return env_; }
  Napi::Value operator[](int i) const { return {env_, values_[i]}; }

  ArrayView array(int i) const;
  // An array that holds floating-point boxes: [N, columns], N > 0.
  ArrayView boxes(int i, size_t columns) const;
  // The numbers of an array of type T with `length` elements.
  template <class T>
  T* numbers(int i, size_t length) const {
    const ArrayView view = array(i);
    if (view.type != (sizeof(T) == 4 ? napi_float32_array : napi_float64_array) || view.length != length) {
      throw ArgumentError{"argument " + std::to_string(i) + " has the wrong type or length"};
    }
    return static_cast<T*>(view.data);
  }

  template <class T>
  T& handle(int i) const {
    T* const object = dynamic_cast<T*>(&any_handle(i));
    if (object == nullptr) throw ArgumentError{"a handle is of another kind"};
    return *object;
  }

  // A whole number from 0 to below `limit`.
  size_t whole_number(int i, double limit, const char* what) const;
  bool boolean(int i) const;
  bool is_undefined(int i) const;
  void* pointer(int i) const;

 private:
  Handle& any_handle(int i) const;

  static constexpr int kMaxArguments = 12;
  napi_env env_;
  napi_value values_[kMaxArguments];
};

// The JavaScript error for the exception that is being handled: a TypeError for an argument, an error with the
// properties cudaName and outOfMemory for CUDA, and one with hostOutOfMemory for host memory.
Napi::Error to_js_error(Napi::Env env, const std::string& function);

// Throws that error in JavaScript. The name of the function comes from export_function().
void throw_in_js(napi_env env, napi_callback_info info);

// A function of the addon. If it returns an empty value, JavaScript gets undefined.
using Function = Napi::Value (*)(const Arguments&);

template <Function function>
napi_value entry(napi_env env, napi_callback_info info) {
  try {
    return function(Arguments(env, info));
  } catch (...) {
    throw_in_js(env, info);
    return nullptr;
  }
}

// `name` must live as long as the process.
void export_function(Napi::Object exports, const char* name, napi_callback callback);

// An ArrayBuffer over external memory, or undefined if the runtime allows none. `finalize` is called once with `hint`
// in any case. (node-addon-api calls it twice for a buffer that Node finds too large while creating it.)
Napi::Value external_buffer(Napi::Env env, void* data, size_t bytes, void (*finalize)(void* hint), void* hint);

}  // namespace scaloss
