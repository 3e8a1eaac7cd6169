// Everything that the addon exports. src/native/addon.ts has the types of the same list.
#include <napi.h>

#include "../core/dtypes.h"
#include "../cpu/backend.h"
#include "../cuda/backend.h"
#include "block.h"
#include "box_loss.h"
#include "cuda_objects.h"
#include "head_loss.h"
#include "host_memory.h"
#include "pairwise.h"
#include "plan.h"

namespace scaloss {

template <class List>
static Napi::Array names(Napi::Env env, const List& list) {
  Napi::Array array = Napi::Array::New(env);
  uint32_t i = 0;
  for (const char* name : list) array.Set(i++, name);
  return array;
}

// simdLevels(): string[], from narrowest to widest.
static Napi::Value simd_levels(const Arguments& arguments) {
  Napi::Array array = Napi::Array::New(arguments.env());
  for (const Level* level : available_levels()) array.Set(array.Length(), level->name);
  return array;
}

// simd(): string, the level in force.
static Napi::Value simd(const Arguments& arguments) {
  return Napi::String::New(arguments.env(), active_level().name);
}

// setSimd(level: string): boolean, false if this build or CPU has no such level. For the whole process.
static Napi::Value set_simd(const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), arguments[0].IsString() && set_level(arguments[0].As<Napi::String>()));
}

// cuda(): { reason, message, driver, runtime, devices: { name, computeCapability, multiprocessors, memory }[] }.
static Napi::Value cuda(const Arguments& arguments) {
  const CudaProbe& probe = probe_cuda();
  Napi::Object result = Napi::Object::New(arguments.env());
  result.Set("reason", probe.reason);
  result.Set("message", probe.message);
  result.Set("driver", probe.driver);
  result.Set("runtime", probe.runtime);
  Napi::Array devices = Napi::Array::New(arguments.env());
  for (const CudaDevice& device : probe.devices) {
    Napi::Object entry = Napi::Object::New(arguments.env());
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
  exports.Set("dtypes", names(env, kDTypeNames));
  exports.Set("arrays", names(env, kArrayNames));
  exports.Set("headArrays", names(env, kHeadArrayNames));
  exports.Set("fields", names(env, kFieldNames));
  export_function(exports, "boxLoss", entry<box_loss>);
  export_function(exports, "boxLossAsync", entry<box_loss_async>);
  export_function(exports, "pairwise", entry<pairwise>);
  export_function(exports, "headLoss", entry<head_loss>);
  export_function(exports, "allocate", entry<allocate_host_memory>);
  export_function(exports, "newPlan", entry<new_plan>);
  export_function(exports, "runPlan", entry<run_plan>);
  export_function(exports, "release", entry<release_handle>);
  export_function(exports, "simdLevels", entry<simd_levels>);
  export_function(exports, "simd", entry<simd>);
  export_function(exports, "setSimd", entry<set_simd>);
  export_function(exports, "cuda", entry<cuda>);
#define SCALOSS_EXPORT(name, function) export_function(exports, #name, entry<function>);
  SCALOSS_CUDA_FUNCTIONS(SCALOSS_EXPORT)
#undef SCALOSS_EXPORT
  return exports;
}

}  // namespace scaloss

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  return scaloss::init(env, exports);
}
NODE_API_MODULE(scaloss, Init)
