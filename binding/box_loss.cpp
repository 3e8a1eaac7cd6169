#include "box_loss.h"

#include <string>

#include "cpu/backend.h"
#include "cuda/backend.h"

namespace scaloss {

namespace {

enum Scalar {
#define SCALOSS_FIELD(name) k_##name,
  SCALOSS_SCALARS(SCALOSS_FIELD)
#undef SCALOSS_FIELD
      kScalars
};

#define SCALOSS_COUNT(name) +1
constexpr int kFormats = 0 SCALOSS_FORMATS(SCALOSS_COUNT);
#undef SCALOSS_COUNT

// Where a typed array keeps its numbers. Asked of Node-API itself: node-addon-api's wrapper would also fetch the buffer
// as an ArrayBuffer, which a shared one is not.
struct ArrayView {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
};

ArrayView view_of(const Napi::CallbackInfo& info, int argument) {
  ArrayView view;
  if (info[argument].IsUndefined()) return view;
  const napi_status status =
      napi_get_typedarray_info(info.Env(), info[argument], &view.type, &view.length, &view.data, nullptr, nullptr);
  if (status != napi_ok) {
    throw Napi::TypeError::New(info.Env(), "boxLoss: argument " + std::to_string(argument) + " is no typed array");
  }
  return view;
}

template <class T>
struct TypeOf;
template <>
struct TypeOf<float> {
  static constexpr napi_typedarray_type value = napi_float32_array;
};
template <>
struct TypeOf<double> {
  static constexpr napi_typedarray_type value = napi_float64_array;
};

// The data of an array argument that must have `length` elements, or null if it is undefined and may be.
template <class T>
T* array_of(const Napi::CallbackInfo& info, int argument, size_t length, bool required) {
  if (!required && info[argument].IsUndefined()) return nullptr;
  const ArrayView view = view_of(info, argument);
  if (view.type != TypeOf<T>::value || view.length != length) {
    throw Napi::TypeError::New(info.Env(),
                               "boxLoss: argument " + std::to_string(argument) + " has the wrong type or length");
  }
  return static_cast<T*>(view.data);
}

int index_of(const Napi::CallbackInfo& info, double value, int count, const char* name) {
  if (!(value >= 0 && value < count)) throw Napi::TypeError::New(info.Env(), std::string("boxLoss: no such ") + name);
  return int(value);
}

template <class T>
BoxLossSummary run(const Napi::CallbackInfo& info, const double* scalars, size_t numbers) {
  const size_t n = numbers / 4;
  const int kernel = index_of(info, scalars[k_kernel], kLosses, "kernel");
  const int backend = index_of(info, scalars[k_backend], 2, "backend");

  BoxLossJob<T> job;
  job.boxes = int64_t(n);
  job.pred = array_of<T>(info, 1, 4 * n, true);
  job.target = array_of<T>(info, 2, 4 * n, true);
  job.weight = array_of<T>(info, 3, n, false);
  job.grad_output = array_of<T>(info, 4, n, false);
  job.loss = array_of<T>(info, 5, n, false);
  job.grad = array_of<T>(info, 6, 4 * n, false);
  job.grad_target = array_of<T>(info, 7, 4 * n, false);
  job.iou = array_of<T>(info, 8, n, false);
  job.alpha = T(scalars[k_alpha]);
  job.epsilon = T(scalars[k_epsilon]);
  job.loss_scale = T(scalars[k_lossScale]);
  job.grad_scale = T(scalars[k_gradScale]);
  job.sum_scale = scalars[k_sumScale];
  job.sum_divisor = scalars[k_sumDivisor];
  job.format = Format(index_of(info, scalars[k_format], kFormats, "format"));
  job.ignore_invalid = scalars[k_ignoreInvalid] != 0;
  job.ignore_all = scalars[k_ignoreAll] != 0;
  const Pass pass = job.grad || job.grad_target ? Pass::fused : Pass::forward;

  if (backend == 0) return cpu_box_loss(job, kernel, pass);
  return cuda_box_loss(job, kernel, pass,
                       index_of(info, scalars[k_device], int(probe_cuda().devices.size()), "device"));
}

}  // namespace

Napi::Value box_loss(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ArrayView block = view_of(info, 0), pred = view_of(info, 1);
  if (block.type != napi_float64_array || block.length != kScalars) {
    throw Napi::TypeError::New(env, "boxLoss: scalars must be a Float64Array(" + std::to_string(kScalars) + ")");
  }
  double* scalars = static_cast<double*>(block.data);
  if (pred.length % 4 != 0 || pred.length == 0) throw Napi::TypeError::New(env, "boxLoss: pred is not [N, 4], N > 0");
  BoxLossSummary summary;
  try {
    summary = pred.type == napi_float64_array ? run<double>(info, scalars, pred.length)
                                              : run<float>(info, scalars, pred.length);
  } catch (const CudaError& error) {
    Napi::Error thrown = Napi::Error::New(env, error.what());
    thrown.Set("cudaName", error.name);
    thrown.Set("outOfMemory", error.is_out_of_memory);
    throw thrown;
  }
  scalars[k_resultLoss] = summary.loss;
  scalars[k_resultInvalid] = double(summary.invalid);
  return env.Undefined();
}

}  // namespace scaloss
