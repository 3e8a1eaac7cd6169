// One call of a loss on the emulator, and the boxes and demands that the checks draw.
#pragma once

#include <cuda_runtime_api.h>

#include <random>

#include "../../../core/reduction.h"
#include "../../../cuda/launch.h"
#include "../../support/call.h"
#include "check.h"

namespace check {

using Random = std::mt19937_64;
inline double uniform(Random& random, double low, double high) {
  return low + (high - low) * double(random() >> 11) * 0x1p-53;
}
inline bool chance(Random& random, double probability) {
  return uniform(random, 0, 1) < probability;
}

template <class T>
struct RandomInputs : Inputs<T> {
  RandomInputs(size_t n, int axes, Random& random);
};
Demand random_demand(Random& random, int axes);

// The device memory that launches share.
class Workspace {
 public:
  explicit Workspace(int64_t rows)
      : partials_(size_t(scaloss::tile_count(rows))), ticket_(1), invalid_(1), results_(2) {
    ticket_[0] = 0;
    invalid_[0] = 0;
  }
  // For launches of so many blocks in all.
  scaloss::ReductionWorkspace get(int64_t rows, uint32_t blocks) const {
    return {partials_.data(), scaloss::tile_count(rows), 0, blocks, ticket_.data(), invalid_.data(),
            results_.data(),  results_.data() + 1};
  }
  scaloss::BoxLossSummary take_summary() const {
    const scaloss::BoxLossSummary summary = {results_[0], int64_t(results_[1])};
    memset(results_.data(), 0xff, 2 * sizeof(double));
    return summary;
  }

 private:
  Array<double> partials_;
  Array<uint32_t> ticket_;
  Array<unsigned long long> invalid_;
  Array<double> results_;  // loss, invalid rows
};

cudaStream_t stream();
void wait_for_stream();

template <class T>
void run_emulated(const Variant& variant, const Demand& demand, const Inputs<T>& in, Outputs<T>& out,
                  const Workspace& workspace) {
  const auto job = job_of(variant, demand, in, out);
  const int multiprocessors = 1;
  const auto shared = workspace.get(job.boxes, box_loss_blocks(job, multiprocessors));
  expect(launch_box_loss(job, shared, multiprocessors, stream()) == cudaSuccess, "the launch fails");
  wait_for_stream();
  out.summary = workspace.take_summary();
}

}  // namespace check
