// Everything the addon exports; src/native/addon.ts types the same list.
#include <napi.h>

#include "../core/dtypes.h"
#include "../cpu/backend.h"
#include "../cuda/backend.h"
#include "arguments.h"
#include "box_loss.h"
#include "cuda_objects.h"
#include "handle.h"
#include "host_memory.h"
#include "pairwise.h"
#include "plan.h"

namespace scaloss {

template <class List = std::initializer_list<const char*>>
static Napi::Array names(Napi::Env env, const List& list) {
  Napi::Array array = Napi::Array::New(env, std::size(list));
  uint32_t i = 0;
  for (const char* name : list) array.Set(i++, name);
  return array;
}

// simdLevels(): string[], from narrowest to widest.
static Napi::Value simd_levels(const Napi::CallbackInfo& info) {
  Napi::Array array = Napi::Array::New(info.Env());
  for (const Level* level : available_levels()) array.Set(array.Length(), level->name);
  return array;
}

// simd(): string, the level in force.
static Napi::Value simd(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), active_level().name);
}

// setSimd(level: string): boolean, false if this build or CPU has no such level. For the whole process.
static Napi::Value set_simd(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), info[0].IsString() && set_level(info[0].As<Napi::String>()));
}

// cuda(): { reason, message, driver, runtime, devices: { name, computeCapability, multiprocessors, memory }[] }.
static Napi::Value cuda(const Napi::CallbackInfo& info) {
  const CudaProbe& probe = probe_cuda();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("reason", probe.reason);
  result.Set("message", probe.message);
  result.Set("driver", probe.driver);
  result.Set("runtime", probe.runtime);
  Napi::Array devices = Napi::Array::New(info.Env());
  for (const CudaDevice& device : probe.devices) {
    Napi::Object entry = Napi::Object::New(info.Env());
    entry.Set("name", device.name);
    entry.Set("computeCapability", std::to_string(device.major) + "." + std::to_string(device.minor));
    entry.Set("multiprocessors", device.multiprocessors);
    entry.Set("memory", double(device.memory));
    devices.Set(devices.Length(), entry);
  }
  result.Set("devices", devices);
  return result;
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("losses", names(env, kLossNames));
  exports.Set("formats", names(env, kFormatNames));
  exports.Set("modes", names(env, kModeNames));
#define SCALOSS_NAME(name) #name,
#define SCALOSS_NUMBER(field, name) #name,
  exports.Set("scalars", names(env, {SCALOSS_LOSS_NUMBERS(SCALOSS_NUMBER) SCALOSS_SCALARS(SCALOSS_NAME)}));
#undef SCALOSS_NUMBER
#undef SCALOSS_NAME
#define SCALOSS_NAME(name) #name,
  exports.Set("planValues", names(env, {SCALOSS_PLAN_VALUES(SCALOSS_NAME)}));
#undef SCALOSS_NAME
  exports.Set("dtypes", names(env, kDTypeNames));
  const auto set = [&](const char* name, napi_callback callback) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) != napi_ok) {
      throw Napi::Error::New(env);
    }
    exports.Set(name, function);
  };
  set("boxLoss", box_loss);
  set("boxLossAsync", box_loss_async);
  set("pairwise", pairwise);
  set("allocate", allocate_host_memory);
  set("newPlan", new_plan);
  set("runPlan", run_plan);
  set("release", release_handle);
#define SCALOSS_SET(name, function) set(#name, function);
  SCALOSS_CUDA_FUNCTIONS(SCALOSS_SET)
#undef SCALOSS_SET
  exports.Set("simdLevels", Napi::Function::New<simd_levels>(env, "simdLevels"));
  exports.Set("simd", Napi::Function::New<simd>(env, "simd"));
  exports.Set("setSimd", Napi::Function::New<set_simd>(env, "setSimd"));
  exports.Set("cuda", Napi::Function::New<cuda>(env, "cuda"));
  return exports;
}

}  // namespace scaloss

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  return scaloss::init(env, exports);
}
NODE_API_MODULE(scaloss, Init)
