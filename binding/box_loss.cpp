#include "box_loss.h"

#include <exception>
#include <memory>
#include <variant>

#include "block.h"

namespace scaloss {

namespace {

enum Argument { kBlock, kPred };

template <class T>
BoxLossJob<T> job_of(const Arguments& arguments, const Block& block, const ArrayView& pred) {
  BoxLossJob<T> job = block.box_loss_job<T>();
  block.set_arrays(job, pred.length, [&](int array, size_t numbers) {
    return array == 0 ? static_cast<T*>(pred.data) : arguments.numbers<T>(kPred + array, numbers);
  });
  return job;
}

// A call from JavaScript.
struct Call {
  Call(const Arguments& arguments, const Block& block) : place(place_of(block)) {
    const ArrayView pred = arguments.boxes(kPred, 2 * block.axes());
    if (pred.type == napi_float64_array) {
      job = job_of<double>(arguments, block, pred);
    } else {
      job = job_of<float>(arguments, block, pred);
    }
  }

  BoxLossSummary run() const {
    return std::visit([this](const auto& j) { return scaloss::run(j, place); }, job);
  }

  const Place place;
  std::variant<BoxLossJob<float>, BoxLossJob<double>> job;
};

class AsyncCall : public Napi::AsyncWorker {
 public:
  explicit AsyncCall(const Arguments& arguments)
      : AsyncWorker(arguments.env(), "scaloss"),
        call_(arguments, block_argument(arguments, kBlock)),
        deferred_(Napi::Promise::Deferred::New(arguments.env())) {
    Napi::Array arrays = Napi::Array::New(arguments.env());
    for (int k = 0; k < kArrays; ++k) arrays[uint32_t(k)] = arguments[kPred + k];
    arrays_ = Napi::Persistent(Napi::Object(arrays));
  }
  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    try {
      summary_ = call_.run();
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  void OnOK() override {
    if (error_ == nullptr) {
      Napi::Array result = Napi::Array::New(Env(), 2);
      result[0u] = Napi::Number::New(Env(), summary_.loss);
      result[1u] = Napi::Number::New(Env(), double(summary_.invalid));
      return deferred_.Resolve(result);
    }
    try {
      std::rethrow_exception(error_);
    } catch (...) {
      deferred_.Reject(to_js_error(Env(), "boxLossAsync").Value());
    }
  }

 private:
  const Call call_;
  const Napi::Promise::Deferred deferred_;
  Napi::ObjectReference arrays_;  // keeps them while the call is on its way
  BoxLossSummary summary_;
  std::exception_ptr error_;
};

}  // namespace

Napi::Value box_loss(const Arguments& arguments) {
  const Block block = block_argument(arguments, kBlock);
  block.set_results(Call(arguments, block).run());
  return {};
}

Napi::Value box_loss_async(const Arguments& arguments) {
  auto call = std::make_unique<AsyncCall>(arguments);
  const Napi::Promise promise = call->promise();
  call->Queue();
  call.release();  // it deletes itself when it is done
  return promise;
}

}  // namespace scaloss
