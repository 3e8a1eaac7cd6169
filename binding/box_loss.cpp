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
constexpr int kFormats = 0 SCALOSS_FORMATS(SCALOSS_COUNT), kModes = 0 SCALOSS_MODES(SCALOSS_COUNT);
#undef SCALOSS_COUNT

enum Argument { k_block, k_pred, k_target, k_weight, k_gradOutput, k_loss, k_grad, k_gradTarget, k_iou, kArguments };

// What is wrong with an argument; thrown as a TypeError.
struct ArgumentError {
  std::string message;
};

// Where a typed array keeps its numbers. Its buffer is not asked for: a shared one has no ArrayBuffer.
struct ArrayView {
  napi_typedarray_type type;
  size_t length;
  void* data;
};

class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kArguments;
    napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
    const ArrayView block = view(k_block);
    if (block.type != napi_float64_array || block.length != kScalars) {
      throw ArgumentError{"scalars must be a Float64Array(" + std::to_string(kScalars) + ")"};
    }
    scalars_ = static_cast<double*>(block.data);
  }

  double& operator[](Scalar scalar) const { return scalars_[scalar]; }

  // A scalar that counts from 0 to below `count`.
  int index(Scalar scalar, int count, const char* name) const {
    const double value = scalars_[scalar];
    if (!(value >= 0 && value < count)) throw ArgumentError{std::string("no such ") + name};
    return int(value);
  }

  ArrayView view(Argument argument) const {
    ArrayView view;
    if (napi_get_typedarray_info(env_, values_[argument], &view.type, &view.length, &view.data, nullptr, nullptr) !=
        napi_ok) {
      throw ArgumentError{"argument " + std::to_string(argument) + " is no typed array"};
    }
    return view;
  }

  // The data of an array that must have `length` elements; null if the call does not have it.
  template <class T>
  T* array(Argument argument, size_t length) const {
    if (!(unsigned(scalars_[k_arrays]) >> argument & 1)) return nullptr;
    const ArrayView array = view(argument);
    if (array.type != (sizeof(T) == 4 ? napi_float32_array : napi_float64_array) || array.length != length) {
      throw ArgumentError{"argument " + std::to_string(argument) + " has the wrong type or length"};
    }
    return static_cast<T*>(array.data);
  }

 private:
  napi_env env_;
  napi_value values_[kArguments];
  double* scalars_;
};

template <class T>
LossParams<T> loss_params(const Arguments& arguments) {
  LossParams<T> params;
  params.alpha = T(arguments[k_alpha]);
  params.epsilon = T(arguments[k_epsilon]);
  params.log_floor = T(arguments[k_logFloor]);
  params.power = T(arguments[k_power]);
  params.inner = T(arguments[k_inner]);
  params.focal = T(arguments[k_focal]);
  params.beta = T(arguments[k_beta]);
  params.image_scale = T(arguments[k_imageScale]);
  params.mode = Mode(arguments.index(k_mode, kModes, "mode"));
  params.detach_alpha = arguments[k_detachAlpha] != 0;
  params.loss = arguments.index(k_lossIndex, kLosses, "loss");
  params.enlarge_small = enlarges_small(params.loss, arguments[k_epsilon]);
  return params;
}

template <class T>
BoxLossSummary run(const Arguments& arguments, const ArrayView& pred) {
  BoxLossJob<T> job;
  job.params = loss_params<T>(arguments);
  const int axes = axes_of(job.params.loss);
  const size_t columns = 2 * axes, n = pred.length / columns;
  if (n == 0 || pred.length % columns != 0) throw ArgumentError{"pred is not [N, 2 axes of the loss], N > 0"};
  job.boxes = int64_t(n);
  job.pred = static_cast<const T*>(pred.data);
  job.target = arguments.array<T>(k_target, columns * n);
  if (job.target == nullptr) throw ArgumentError{"target is missing"};
  job.weight = arguments.array<T>(k_weight, n);
  job.grad_output = arguments.array<T>(k_gradOutput, n);
  job.loss = arguments.array<T>(k_loss, n);
  job.grad = arguments.array<T>(k_grad, columns * n);
  job.grad_target = arguments.array<T>(k_gradTarget, columns * n);
  job.iou = arguments.array<T>(k_iou, n);
  job.loss_scale = T(arguments[k_lossScale]);
  job.grad_scale = T(arguments[k_gradScale]);
  job.sum_scale = arguments[k_sumScale];
  job.sum_divisor = arguments[k_sumDivisor];
  job.format = Format(arguments.index(k_format, kFormats, "format"));
  if (axes == 3 && job.format == Format::yxyx) throw ArgumentError{"yxyx has two axes"};
  job.ignore_invalid = arguments[k_ignoreInvalid] != 0;
  job.ignore_all = arguments[k_ignoreAll] != 0;

  const bool modified = arguments[k_modified] != 0;
  const Pass pass = job.grad || job.grad_target ? Pass::fused : Pass::forward;
  if (arguments.index(k_backend, 2, "backend") == 0) return cpu_box_loss(job, modified, pass);
  const int device = arguments.index(k_device, int(probe_cuda().devices.size()), "device");
  return cuda_box_loss(job, modified, pass, device);
}

}  // namespace

napi_value box_loss(napi_env env, napi_callback_info info) {
  try {
    const Arguments arguments(env, info);
    const ArrayView pred = arguments.view(k_pred);
    if (pred.type != napi_float32_array && pred.type != napi_float64_array) {
      throw ArgumentError{"pred is neither a Float32Array nor a Float64Array"};
    }
    const BoxLossSummary summary =
        pred.type == napi_float64_array ? run<double>(arguments, pred) : run<float>(arguments, pred);
    arguments[k_resultLoss] = summary.loss;
    arguments[k_resultInvalid] = double(summary.invalid);
  } catch (const ArgumentError& error) {
    napi_throw_type_error(env, nullptr, ("boxLoss: " + error.message).c_str());
  } catch (const CudaError& error) {
    Napi::Error thrown = Napi::Error::New(env, error.what());
    thrown.Set("cudaName", error.name);
    thrown.Set("outOfMemory", error.is_out_of_memory);
    thrown.ThrowAsJavaScriptException();
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

}  // namespace scaloss
