// Native objects that JavaScript holds, as values that only this addon can look into. The object is destroyed when it
// is released or, at the latest, when the value is garbage-collected.
#pragma once

#include <napi.h>

#include <memory>

namespace scaloss {

class Arguments;

class Handle {
 public:
  virtual ~Handle() = default;
  // Bytes of memory that V8 should count, so that it collects garbage in time.
  virtual int64_t external_bytes() const { return 0; }
};

// The content of the value. The object is null after it was released.
struct HeldHandle {
  std::unique_ptr<Handle> object;
  int64_t external_bytes;
};

Napi::Value handle_to_js(Napi::Env env, std::unique_ptr<Handle> object);

// release([handle]): void. The handle may have been released before.
Napi::Value release_handle(const Arguments& arguments);

}  // namespace scaloss
