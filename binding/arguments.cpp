#include "arguments.h"

#include <new>

#include "../core/losses.h"
#include "../cuda/backend.h"

namespace scaloss {

Arguments::Arguments(napi_env env, napi_callback_info info) : env_(env) {
  size_t count = kMaxArguments;
  napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
  const ArrayView block = view(0);
  if (block.type != napi_float64_array || block.length != kScalars) {
    throw ArgumentError{"scalars must be a Float64Array(" + std::to_string(kScalars) + ")"};
  }
  scalars_ = static_cast<double*>(block.data);
}

int Arguments::index(Scalar scalar, int count, const char* name) const {
  const double value = scalars_[scalar];
  if (!(value >= 0 && value < count)) throw ArgumentError{std::string("no such ") + name};
  return int(value);
}

ArrayView Arguments::view(int argument) const {
  ArrayView view;
  if (napi_get_typedarray_info(env_, values_[argument], &view.type, &view.length, &view.data, nullptr, nullptr) !=
      napi_ok) {
    throw ArgumentError{"argument " + std::to_string(argument) + " is no typed array"};
  }
  return view;
}

ArrayView Arguments::boxes(int argument, size_t columns) const {
  const ArrayView boxes = view(argument);
  if (boxes.type != napi_float32_array && boxes.type != napi_float64_array) {
    throw ArgumentError{"argument " + std::to_string(argument) + " is neither a Float32Array nor a Float64Array"};
  }
  if (boxes.length == 0 || boxes.length % columns != 0) {
    throw ArgumentError{"argument " + std::to_string(argument) + " is not [N, 2 axes of the loss], N > 0"};
  }
  return boxes;
}

template <class T>
LossParams<T> Arguments::loss_params() const {
  const Arguments& scalars = *this;
  LossParams<T> params;
#define SCALOSS_NUMBER(field, name) params.field = T(scalars[k_##name]);
  SCALOSS_LOSS_NUMBERS(SCALOSS_NUMBER)
#undef SCALOSS_NUMBER
  params.mode = Mode(index(k_mode, kModes, "mode"));
  params.detach_alpha = scalars[k_detachAlpha] != 0;
  params.modified = scalars[k_modified] != 0;
  params.loss = index(k_lossIndex, kLosses, "loss");
  params.enlarge_small = enlarges_small(params.loss, scalars[k_epsilon]);
  return params;
}
template LossParams<float> Arguments::loss_params() const;
template LossParams<double> Arguments::loss_params() const;

int Arguments::axes() const {
  return axes_of(index(k_lossIndex, kLosses, "loss"));
}

Format Arguments::format() const {
  const auto format = Format(index(k_format, kFormats, "format"));
  if (axes() == 3 && format == Format::yxyx) throw ArgumentError{"yxyx has two axes"};
  return format;
}

template <class S>
BoxLossJob<S> Arguments::box_loss_numbers() const {
  using T = typename ArithmeticOf<S>::type;
  const Arguments& scalars = *this;
  BoxLossJob<S> job = {};
  job.params = loss_params<T>();
  job.loss_scale = T(scalars[k_lossScale]);
  job.grad_scale = T(scalars[k_gradScale]);
  job.sum_scale = scalars[k_sumScale];
  job.sum_divisor = scalars[k_sumDivisor];
  job.format = format();
  job.ignore_invalid = scalars[k_ignoreInvalid] != 0;
  job.ignore_all = scalars[k_ignoreAll] != 0;
  return job;
}
template BoxLossJob<float> Arguments::box_loss_numbers() const;
template BoxLossJob<double> Arguments::box_loss_numbers() const;
template BoxLossJob<Float16> Arguments::box_loss_numbers() const;
template BoxLossJob<BFloat16> Arguments::box_loss_numbers() const;

namespace {

// An error on its way to JavaScript. A worker that is being ended takes neither properties nor exceptions: what
// Node-API says to these calls is of no use, and one of the wrapper in C++ would answer with an exception that ends the
// process.
class JsError {
 public:
  using Create = decltype(napi_create_error);
  JsError(napi_env env, Create* create, const std::string& message) : env_(env) {
    create(env, nullptr, string(message), &error_);
  }
  void set(const char* name, bool value) {
    napi_value boolean;
    napi_get_boolean(env_, value, &boolean);
    napi_set_named_property(env_, error_, name, boolean);
  }
  void set(const char* name, const std::string& value) { napi_set_named_property(env_, error_, name, string(value)); }
  void throw_it() { napi_throw(env_, error_); }

 private:
  napi_value string(const std::string& text) {
    napi_value value;
    napi_create_string_utf8(env_, text.data(), text.size(), &value);
    return value;
  }
  napi_env env_;
  napi_value error_;
};

}  // namespace

void throw_in_js(napi_env env, const char* function) {
  try {
    throw;
  } catch (const ArgumentError& error) {
    JsError(env, napi_create_type_error, std::string(function) + ": " + error.message).throw_it();
  } catch (const OverlapError&) {
    JsError thrown(env, napi_create_type_error, std::string(function) + ": arrays overlap");
    thrown.set("overlap", true);
    thrown.throw_it();
  } catch (const CudaError& error) {
    JsError thrown(env, napi_create_error, error.what());
    thrown.set("cudaName", error.name);
    thrown.set("outOfMemory", error.is_out_of_memory);
    thrown.throw_it();
  } catch (const std::bad_alloc&) {
    JsError thrown(env, napi_create_error, "out of memory");
    thrown.set("hostOutOfMemory", true);
    thrown.throw_it();
  } catch (const std::exception& error) {
    JsError(env, napi_create_error, error.what()).throw_it();
  }
}

}  // namespace scaloss
