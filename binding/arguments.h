// The arguments of the addon's functions over arrays: a block of numbers, and typed arrays.
#pragma once

#include <napi.h>

#include <string>

#include "../core/job.h"

namespace scaloss {

// The numbers of a call travel in one Float64Array, which costs one Node-API call however many there are. First those
// of SCALOSS_LOSS_NUMBERS, then these; the last two are written by boxLoss. src/native/addon.ts finds their positions
// by name.
#define SCALOSS_SCALARS(ROW)                         \
  ROW(backend)     /* 0: CPU, 1: CUDA */             \
  ROW(device)      /* index of the CUDA device */    \
  ROW(threads)     /* of the CPU, at most */         \
  ROW(lossIndex)   /* position in SCALOSS_LOSSES */  \
  ROW(format)      /* position in SCALOSS_FORMATS */ \
  ROW(mode)        /* position in SCALOSS_MODES */   \
  ROW(detachAlpha) /* 0 or 1, as is the next */      \
  ROW(modified)    /* see core/terms.h */            \
  ROW(pairValue)   /* pairwise: PairValue */         \
  ROW(lossScale)   /* this and the rest: boxLoss */  \
  ROW(gradScale)                                     \
  ROW(sumScale)                                      \
  ROW(sumDivisor)                                    \
  ROW(arrays)        /* bit 1 + JobArray: given */   \
  ROW(ignoreInvalid) /* 0 or 1, as is the next */    \
  ROW(ignoreAll)                                     \
  ROW(resultLoss)                                    \
  ROW(resultInvalid)

enum Scalar {
#define SCALOSS_NUMBER(field, name) k_##name,
#define SCALOSS_FIELD(name) k_##name,
  SCALOSS_LOSS_NUMBERS(SCALOSS_NUMBER) SCALOSS_SCALARS(SCALOSS_FIELD)
#undef SCALOSS_FIELD
#undef SCALOSS_NUMBER
      kScalars
};

// The arrays of a call of boxLoss, in the order of its arguments.
enum class JobArray { pred, target, weight, grad_output, loss, grad, grad_target, iou };

// What is wrong with an argument; thrown as a TypeError.
struct ArgumentError {
  std::string message;
};

// Arrays of a call that may not share memory do; which, JavaScript finds out.
struct OverlapError {};

// Where a typed array keeps its numbers. Its buffer is not asked for: a shared one has no ArrayBuffer.
struct ArrayView {
  napi_typedarray_type type;
  size_t length;
  void* data;
};

// Plain Node-API: at a few hundred boxes a call costs more than its arithmetic, and each question to Node-API 10 to 30
// ns.
class Arguments {
 public:
  // The first argument is the block of numbers.
  Arguments(napi_env env, napi_callback_info info);

  double& operator[](Scalar scalar) const { return scalars_[scalar]; }

  // A scalar that counts from 0 to below `count`.
  int index(Scalar scalar, int count, const char* name) const;

  napi_value operator[](int argument) const { return values_[argument]; }
  ArrayView view(int argument) const;

  // The same of an argument that holds floating-point boxes: [N, columns], N > 0.
  ArrayView boxes(int argument, size_t columns) const;

  // The data of an argument that must be of type T with `length` elements.
  template <class T>
  T* array(int argument, size_t length) const {
    const ArrayView array = view(argument);
    if (array.type != (sizeof(T) == 4 ? napi_float32_array : napi_float64_array) || array.length != length) {
      throw ArgumentError{"argument " + std::to_string(argument) + " has the wrong type or length"};
    }
    return static_cast<T*>(array.data);
  }

  // A call of boxLoss whose pred has `length` numbers, a multiple of 2 axes. get(array, numbers) finds the data of an
  // array that must have so many.
  template <class S, class Get>
  BoxLossJob<S> box_loss_job(size_t length, Get get) const {
    const size_t n = length / (2 * axes());
    BoxLossJob<S> job = box_loss_numbers<S>();
    const auto optional = [&](JobArray array, size_t numbers) -> S* {
      const bool given = unsigned(scalars_[k_arrays]) >> (1 + int(array)) & 1;
      return given ? get(array, numbers) : nullptr;
    };
    job.boxes = int64_t(n);
    job.pred = get(JobArray::pred, length);
    job.target = get(JobArray::target, length);
    job.weight = optional(JobArray::weight, n);
    job.grad_output = optional(JobArray::grad_output, n);
    job.loss = optional(JobArray::loss, n);
    job.grad = optional(JobArray::grad, length);
    job.grad_target = optional(JobArray::grad_target, length);
    job.iou = optional(JobArray::iou, n);
    return job;
  }

  template <class T>
  LossParams<T> loss_params() const;
  // The axes of the loss.
  int axes() const;
  Format format() const;
  int threads() const { return index(k_threads, 1 << 16, "number of threads"); }

 private:
  template <class S>
  BoxLossJob<S> box_loss_numbers() const;

  static constexpr int kMaxArguments = 12;
  napi_env env_;
  napi_value values_[kMaxArguments];
  double* scalars_;
};

// Throws in JavaScript what is being caught: a TypeError for an argument, with the property overlap if memory is
// shared; for CUDA an error with the properties cudaName and outOfMemory.
void throw_in_js(napi_env env, const char* function);

// What `body` returns, or undefined after an error of it.
template <class Body>
napi_value with_js_errors(napi_env env, const char* function, Body body) {
  try {
    return body();
  } catch (...) {
    throw_in_js(env, function);
    return nullptr;
  }
}

}  // namespace scaloss
