// Native objects in the hands of JavaScript: a value that nothing but this addon can look into. The object goes when it
// is released or, at the latest, when the value is garbage.
#pragma once

#include <node_api.h>

#include <memory>

#include "arguments.h"

namespace scaloss {

class Handle {
 public:
  virtual ~Handle() = default;
  // Memory that V8 should count, so that it collects garbage in time. Bytes.
  virtual int64_t external_bytes() const { return 0; }
};

napi_value handle_to_js(napi_env env, std::unique_ptr<Handle> object);

// Of a value that was not released. Throws an ArgumentError.
Handle& handle_from_js(napi_env env, napi_value value);

template <class T>
T& handle_from_js(napi_env env, napi_value value) {
  T* const object = dynamic_cast<T*>(&handle_from_js(env, value));
  if (object == nullptr) throw ArgumentError{"a handle is of another kind"};
  return *object;
}

// release(handle): void, which may have been released before.
napi_value release_handle(napi_env env, napi_callback_info info);

}  // namespace scaloss
