#include "box_loss.h"

#include "arguments.h"
#include "cpu/backend.h"
#include "cuda/backend.h"

namespace scaloss {

namespace {

enum Argument { k_pred = 1, k_target, k_weight, k_gradOutput, k_loss, k_grad, k_gradTarget, k_iou };

// The data of an array that must have `length` elements; null if the call does not have it.
template <class T>
T* optional_array(const Arguments& arguments, Argument argument, size_t length) {
  const bool given = unsigned(arguments[k_arrays]) >> argument & 1;
  return given ? arguments.array<T>(argument, length) : nullptr;
}

template <class T>
BoxLossSummary run(const Arguments& arguments, const ArrayView& pred) {
  BoxLossJob<T> job = arguments.box_loss_job<T>();
  const size_t columns = 2 * arguments.axes(), n = pred.length / columns;
  job.boxes = int64_t(n);
  job.pred = static_cast<const T*>(pred.data);
  job.target = optional_array<T>(arguments, k_target, columns * n);
  if (job.target == nullptr) throw ArgumentError{"target is missing"};
  job.weight = optional_array<T>(arguments, k_weight, n);
  job.grad_output = optional_array<T>(arguments, k_gradOutput, n);
  job.loss = optional_array<T>(arguments, k_loss, n);
  job.grad = optional_array<T>(arguments, k_grad, columns * n);
  job.grad_target = optional_array<T>(arguments, k_gradTarget, columns * n);
  job.iou = optional_array<T>(arguments, k_iou, n);
  if (arguments.index(k_backend, 2, "backend") == 0) return cpu_box_loss(job, arguments.threads());
  const int device = arguments.index(k_device, int(probe_cuda().devices.size()), "device");
  return cuda_box_loss(job, device);
}

}  // namespace

napi_value box_loss(napi_env env, napi_callback_info info) {
  return with_js_errors(env, "boxLoss", [=] {
    const Arguments arguments(env, info);
    const ArrayView pred = arguments.boxes(k_pred, 2 * arguments.axes());
    const BoxLossSummary summary =
        pred.type == napi_float64_array ? run<double>(arguments, pred) : run<float>(arguments, pred);
    arguments[k_resultLoss] = summary.loss;
    arguments[k_resultInvalid] = double(summary.invalid);
    return nullptr;
  });
}

}  // namespace scaloss
