#include "box_loss.h"

#include <exception>
#include <memory>
#include <variant>

#include "../cpu/backend.h"
#include "../cuda/backend.h"
#include "arguments.h"

namespace scaloss {

namespace {

// Where results would overwrite inputs or each other, rows would be read after they were changed.
template <class T>
void check_overlap(const BoxLossJob<T>& job, size_t columns) {
  struct Memory {
    uintptr_t begin, end;
  };
  const auto memory = [&](const T* array, size_t numbers) -> Memory {
    const auto begin = reinterpret_cast<uintptr_t>(array);
    return {begin, array == nullptr ? begin : begin + job.boxes * numbers * sizeof(T)};
  };
  const Memory arrays[] = {memory(job.loss, 1),   memory(job.grad, columns), memory(job.grad_target, columns),
                           memory(job.iou, 1),    memory(job.pred, columns), memory(job.target, columns),
                           memory(job.weight, 1), memory(job.grad_output, 1)};
  constexpr int kResults = 4, kArrays = 8;
  for (int i = 0; i < kResults; ++i) {
    for (int k = i + 1; k < kArrays; ++k) {
      if (arrays[i].begin < arrays[k].end && arrays[k].begin < arrays[i].end) throw OverlapError();
    }
  }
}

// Arguments after the block of numbers.
constexpr int kPred = 1, kIou = kPred + int(JobArray::iou);

template <class T>
BoxLossJob<T> job_of(const Arguments& arguments, size_t length) {
  const BoxLossJob<T> job = arguments.box_loss_job<T>(
      length, [&](JobArray array, size_t numbers) { return arguments.array<T>(kPred + int(array), numbers); });
  check_overlap(job, 2 * arguments.axes());
  return job;
}

// A call as it came from JavaScript.
struct Call {
  explicit Call(const Arguments& arguments) {
    const ArrayView pred = arguments.boxes(kPred, 2 * arguments.axes());
    if (pred.type == napi_float64_array) {
      job = job_of<double>(arguments, pred.length);
    } else {
      job = job_of<float>(arguments, pred.length);
    }
    threads = arguments.threads();
    if (arguments.index(k_backend, 2, "backend") == 1) {
      device = arguments.index(k_device, int(probe_cuda().devices.size()), "device");
    }
  }

  BoxLossSummary run() const {
    return std::visit(
        [this](const auto& j) { return device < 0 ? cpu_box_loss(j, threads) : cuda_box_loss(j, device); }, job);
  }

  std::variant<BoxLossJob<float>, BoxLossJob<double>> job;
  int device = -1;  // the CPU
  int threads;
};

// A call on its way. The references keep its arrays.
struct AsyncCall {
  explicit AsyncCall(const Arguments& arguments) : call(arguments) {}
  const Call call;
  napi_ref arrays = nullptr;
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
  BoxLossSummary summary;
  std::exception_ptr error;
};

void execute(napi_env, void* data) {
  AsyncCall& call = *static_cast<AsyncCall*>(data);
  try {
    call.summary = call.call.run();
  } catch (...) {
    call.error = std::current_exception();
  }
}

void settle(napi_env env, napi_status status, AsyncCall& call) {
  if (call.error == nullptr && status == napi_ok) {
    napi_value result, loss, invalid;
    napi_create_array_with_length(env, 2, &result);
    napi_create_double(env, call.summary.loss, &loss);
    napi_create_double(env, double(call.summary.invalid), &invalid);
    napi_set_element(env, result, 0, loss);
    napi_set_element(env, result, 1, invalid);
    napi_resolve_deferred(env, call.deferred, result);
    return;
  }
  try {
    if (call.error == nullptr) throw std::runtime_error("the call was cancelled");
    std::rethrow_exception(call.error);
  } catch (...) {
    throw_in_js(env, "boxLossAsync");
  }
  napi_value error;
  napi_get_and_clear_last_exception(env, &error);
  napi_reject_deferred(env, call.deferred, error);
}

void complete(napi_env env, napi_status status, void* data) {
  const std::unique_ptr<AsyncCall> call(static_cast<AsyncCall*>(data));
  settle(env, status, *call);
  napi_delete_reference(env, call->arrays);
  napi_delete_async_work(env, call->work);
}

}  // namespace

napi_value box_loss(napi_env env, napi_callback_info info) {
  return with_js_errors(env, "boxLoss", [=]() -> napi_value {
    const Arguments arguments(env, info);
    const BoxLossSummary summary = Call(arguments).run();
    arguments[k_resultLoss] = summary.loss;
    arguments[k_resultInvalid] = double(summary.invalid);
    return nullptr;
  });
}

napi_value box_loss_async(napi_env env, napi_callback_info info) {
  return with_js_errors(env, "boxLossAsync", [=]() -> napi_value {
    const Arguments arguments(env, info);
    auto call = std::make_unique<AsyncCall>(arguments);
    napi_value arrays, name, promise;
    napi_create_array(env, &arrays);
    bool is_alive = true;
    for (int k = kPred; k <= kIou && is_alive; ++k) {
      is_alive = napi_set_element(env, arrays, uint32_t(k), arguments[k]) == napi_ok;
    }
    // Not in a worker that is being ended.
    if (!is_alive || napi_create_promise(env, &call->deferred, &promise) != napi_ok) return nullptr;
    napi_create_reference(env, arrays, 1, &call->arrays);
    napi_create_string_utf8(env, "scaloss", NAPI_AUTO_LENGTH, &name);
    napi_create_async_work(env, nullptr, name, execute, complete, call.get(), &call->work);
    if (napi_queue_async_work(env, call->work) != napi_ok) throw std::runtime_error("the call cannot be queued");
    call.release();
    return promise;
  });
}

}  // namespace scaloss
