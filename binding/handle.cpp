#include "handle.h"

#include "node_api.h"

namespace scaloss {

static void let_go(Napi::Env env, HeldHandle& held) {
  held.object.reset();
  Napi::MemoryManagement::AdjustExternalMemory(env, -held.external_bytes);
  held.external_bytes = 0;
}

Napi::Value handle_to_js(Napi::Env env, std::unique_ptr<Handle> object) {
  const int64_t bytes = object->external_bytes();
  auto held = std::make_unique<HeldHandle>(HeldHandle{std::move(object), bytes});
  const auto finalize = [](Napi::Env env, HeldHandle* garbage) {
    const std::unique_ptr<HeldHandle> held(garbage);
    let_go(env, *held);
  };
  const auto value = Napi::External<HeldHandle>::New(env, held.get(), finalize);
  held.release();
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  return value;
}

Napi::Value release_handle(const Arguments& arguments) {
  const Napi::Value value = arguments[0];
  if (!value.IsExternal()) throw ArgumentError{"expected a handle"};
  let_go(arguments.env(), *value.As<Napi::External<HeldHandle>>().Data());
  return {};
}

}  // namespace scaloss
