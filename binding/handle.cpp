#include "handle.h"

namespace scaloss {

namespace {

struct Held {
  std::unique_ptr<Handle> object;
  int64_t external_bytes;
};

void count_memory(napi_env env, int64_t change) {
  int64_t total;
  napi_adjust_external_memory(env, change, &total);
}

void let_go(napi_env env, Held& held) {
  held.object.reset();
  count_memory(env, -held.external_bytes);
  held.external_bytes = 0;
}

Held& held_by(napi_env env, napi_value value) {
  napi_valuetype type;
  void* data = nullptr;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external ||
      napi_get_value_external(env, value, &data) != napi_ok) {
    throw ArgumentError{"expected a handle"};
  }
  return *static_cast<Held*>(data);
}

}  // namespace

napi_value handle_to_js(napi_env env, std::unique_ptr<Handle> object) {
  const int64_t bytes = object->external_bytes();
  auto held = std::make_unique<Held>(Held{std::move(object), bytes});
  const auto finalize = [](napi_env env, void* data, void*) {
    let_go(env, *static_cast<Held*>(data));
    delete static_cast<Held*>(data);
  };
  napi_value value;
  if (napi_create_external(env, held.get(), finalize, nullptr, &value) != napi_ok) {
    throw std::runtime_error("no memory for a handle");
  }
  held.release();
  count_memory(env, bytes);
  return value;
}

Handle& handle_from_js(napi_env env, napi_value value) {
  Held& held = held_by(env, value);
  if (held.object == nullptr) throw ArgumentError{"a handle was released before"};
  return *held.object;
}

napi_value release_handle(napi_env env, napi_callback_info info) {
  return with_js_errors(env, "release", [=] {
    size_t count = 1;
    napi_value value;
    napi_get_cb_info(env, info, &count, &value, nullptr, nullptr);
    let_go(env, held_by(env, value));
    return nullptr;
  });
}

}  // namespace scaloss
