#include "pairwise.h"

#include "block.h"

namespace scaloss {

namespace {

enum Argument { kBlock, kA, kB, kOut };

template <class T>
void run_pairwise(const Arguments& arguments, const Block& block, const ArrayView& a, const ArrayView& b) {
  const size_t columns = 2 * block.axes();
  PairwiseJob<T> job = block.pairwise_job<T>();
  job.rows = int64_t(a.length / columns);
  job.columns = int64_t(b.length / columns);
  job.a = static_cast<const T*>(a.data);
  job.b = arguments.numbers<T>(kB, b.length);
  job.out = arguments.numbers<T>(kOut, size_t(job.rows) * size_t(job.columns));
  run(job, place_of(block));
  block.set_results({0, count_invalid(job)});
}

}  // namespace

Napi::Value pairwise(const Arguments& arguments) {
  const Block block = block_argument(arguments, kBlock);
  const size_t columns = 2 * block.axes();
  const ArrayView a = arguments.boxes(kA, columns), b = arguments.boxes(kB, columns);
  a.type == napi_float64_array ? run_pairwise<double>(arguments, block, a, b)
                               : run_pairwise<float>(arguments, block, a, b);
  return {};
}

}  // namespace scaloss
