#include "head_loss.h"

#include "block.h"

namespace scaloss {

namespace {

enum Argument { kBlock, kRaw };

template <class T>
BoxLossSummary run_head(const Arguments& arguments, const Block& block, const ArrayView& raw) {
  HeadJob<T> job = block.head_job<T>();
  const size_t columns = size_t(raw_columns(job.coder)), rows = raw.length / columns;
  if (rows == 0 || raw.length % columns != 0) throw ArgumentError{"raw is not [N, columns of the coder], N > 0"};
  if (job.coder.prior_columns > 0 && (job.priors == 0 || rows % size_t(job.priors) != 0)) {
    throw ArgumentError{"the number of rows is no multiple of that of priors"};
  }
  set_head_arrays(job, int64_t(rows), [&](HeadArray array, size_t numbers) -> T* {
    const int i = kRaw + int(array);
    const bool required = (array == HeadArray::prior && job.coder.prior_columns > 0) ||
                          (array == HeadArray::project && job.coder.kind == Coder::dfl);
    if (array == HeadArray::raw) return static_cast<T*>(raw.data);
    if (arguments.is_undefined(i) && !required) return nullptr;
    return arguments.numbers<T>(i, numbers);
  });
  // TypeScript then looks for the prior that is wrong.
  if (!priors_fit(job)) return {0, -1};
  return run(job, place_of(block));
}

}  // namespace

Napi::Value head_loss(const Arguments& arguments) {
  const Block block = block_argument(arguments, kBlock);
  const ArrayView raw = arguments.boxes(kRaw, 4);
  block.set_results(raw.type == napi_float64_array ? run_head<double>(arguments, block, raw)
                                                   : run_head<float>(arguments, block, raw));
  return {};
}

}  // namespace scaloss
