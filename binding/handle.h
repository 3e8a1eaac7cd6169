// Native objects in the hands of JavaScript: a value that nothing but this addon can look into. The object goes when it
// is released or, at the latest, when the value is garbage.
#pragma once

#include <napi.h>

#include <memory>

namespace scaloss {

class Arguments;

class Handle {
 public:
  virtual ~Handle() = default;
  // Memory that V8 should count, so that it collects garbage in time. Bytes.
  virtual int64_t external_bytes() const { return 0; }
};

// What the value holds. The object is null once it was released.
struct HeldHandle {
  std::unique_ptr<Handle> object;
  int64_t external_bytes;
};

Napi::Value handle_to_js(Napi::Env env, std::unique_ptr<Handle> object);

// release([handle]): void. The handle may have been released before.
Napi::Value release_handle(const Arguments& arguments);

}  // namespace scaloss
