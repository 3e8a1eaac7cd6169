#include "plan.h"

#include "block.h"
#include "host_memory.h"

namespace scaloss {

namespace {

enum Argument { kMemory, kBlock, kPred };

struct Plan : Handle {
  virtual void run() = 0;
};

template <class T>
class PlanOf : public Plan {
 public:
  PlanOf(const Arguments& arguments, const Block& block, size_t length)
      : memory_(arguments.handle<HostMemoryHandle>(kMemory).memory),
        block_(block),
        place_(place_of(block)),
        job_(block.box_loss_job<T>()) {
    check(block.data(), kFields);
    block.set_arrays(job_, length, [&](int array, size_t numbers) {
      return check(arguments.numbers<T>(kPred + array, numbers), numbers);
    });
  }

  void run() override {
    BoxLossJob<T> job = job_;
    const double rows = block_[Field::rows];
    if (!(rows >= 1 && rows <= double(job_.boxes))) throw ArgumentError{"a run of more boxes than the plan has"};
    job.boxes = int64_t(rows);
    block_.set_scales(job);
    block_.set_results(scaloss::run(job, place_));
  }

 private:
  template <class A>
  A* check(A* data, size_t length) const {
    if (!memory_->contains(data, length * sizeof(A))) throw ArgumentError{"an array is not in the plan's memory"};
    return data;
  }
  const std::shared_ptr<HostMemory> memory_;
  const Block block_;
  const Place place_;
  BoxLossJob<T> job_;
};

}  // namespace

Napi::Value new_plan(const Arguments& arguments) {
  const Block block = block_argument(arguments, kBlock);
  const ArrayView pred = arguments.boxes(kPred, 2 * block.axes());
  std::unique_ptr<Plan> plan;
  if (pred.type == napi_float64_array) {
    plan = std::make_unique<PlanOf<double>>(arguments, block, pred.length);
  } else {
    plan = std::make_unique<PlanOf<float>>(arguments, block, pred.length);
  }
  return handle_to_js(arguments.env(), std::move(plan));
}

Napi::Value run_plan(const Arguments& arguments) {
  arguments.handle<Plan>(0).run();
  return {};
}

}  // namespace scaloss
