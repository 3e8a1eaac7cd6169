#include "plan.h"

#include "../cpu/backend.h"
#include "../cuda/backend.h"
#include "host_memory.h"

namespace scaloss {

namespace {

// Arguments after the block of numbers.
constexpr int kMemory = 1, kPred = 2, kValues = kPred + int(JobArray::iou) + 1;

enum PlanValue {
#define SCALOSS_ROW(name) k_value_##name,
  SCALOSS_PLAN_VALUES(SCALOSS_ROW)
#undef SCALOSS_ROW
      kPlanValues
};

struct Plan : Handle {
  virtual void run() = 0;
};

template <class T>
class PlanOf : public Plan {
 public:
  PlanOf(napi_env env, const Arguments& arguments, size_t length)
      : memory_(handle_from_js<HostMemoryHandle>(env, arguments[kMemory]).memory),
        job_(arguments.box_loss_job<T>(
            length, [&](JobArray array, size_t numbers) { return own<T>(arguments, kPred + int(array), numbers); })),
        values_(own<double>(arguments, kValues, kPlanValues)) {
    if (arguments.index(k_backend, 2, "backend") == 1) {
      device_ = arguments.index(k_device, int(probe_cuda().devices.size()), "device");
    } else {
      threads_ = arguments.threads();
    }
  }

  void run() override {
    BoxLossJob<T> job = job_;
    const double boxes = values_[k_value_boxes];
    if (!(boxes >= 1 && boxes <= double(job_.boxes))) throw ArgumentError{"a run of more boxes than the plan has"};
    job.boxes = int64_t(boxes);
    job.loss_scale = T(values_[k_value_lossScale]);
    job.grad_scale = T(values_[k_value_gradScale]);
    job.sum_scale = values_[k_value_sumScale];
    job.sum_divisor = values_[k_value_sumDivisor];
    job.ignore_all = values_[k_value_ignoreAll] != 0;
    const BoxLossSummary summary = device_ < 0 ? cpu_box_loss(job, threads_) : cuda_box_loss(job, device_);
    values_[k_value_loss] = summary.loss;
    values_[k_value_invalid] = double(summary.invalid);
  }

 private:
  template <class A>
  A* own(const Arguments& arguments, int argument, size_t length) const {
    A* const data = arguments.array<A>(argument, length);
    if (!memory_->contains(data, length * sizeof(A))) throw ArgumentError{"an array is not in the plan's memory"};
    return data;
  }
  const std::shared_ptr<HostMemory> memory_;
  const BoxLossJob<T> job_;
  double* const values_;
  int device_ = -1;  // the CPU
  int threads_ = 1;
};

}  // namespace

napi_value new_plan(napi_env env, napi_callback_info info) {
  return with_js_errors(env, "newPlan", [=]() -> napi_value {
    const Arguments arguments(env, info);
    const ArrayView pred = arguments.boxes(kPred, 2 * arguments.axes());
    std::unique_ptr<Plan> plan;
    if (pred.type == napi_float64_array) {
      plan = std::make_unique<PlanOf<double>>(env, arguments, pred.length);
    } else {
      plan = std::make_unique<PlanOf<float>>(env, arguments, pred.length);
    }
    return handle_to_js(env, std::move(plan));
  });
}

napi_value run_plan(napi_env env, napi_callback_info info) {
  return with_js_errors(env, "runPlan", [=]() -> napi_value {
    size_t count = 1;
    napi_value value;
    napi_get_cb_info(env, info, &count, &value, nullptr, nullptr);
    handle_from_js<Plan>(env, value).run();
    return nullptr;
  });
}

}  // namespace scaloss
