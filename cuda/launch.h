// Launching the kernel: what the CUDA backend sees of the device code.
#pragma once

#include <cuda_runtime_api.h>

#include "job.h"
#include "pairwise.h"

namespace scaloss {

// Device memory that launches on one stream share, one after the other. ticket and invalid are 0 between launches.
struct ReductionWorkspace {
  double* partials;             // [tile_count(boxes)]
  uint32_t* ticket;             // blocks that are done
  unsigned long long* invalid;  // invalid rows so far
  BoxLossSummary* summary;      // the result
};

// Enqueues one launch. All pointers of the job are device memory aligned to 16 bytes; boxes > 0. `modified`: an option
// named in iou.h is not at its default.
template <class T>
cudaError_t launch_box_loss(const BoxLossJob<T>& job, bool modified, Pass pass, const ReductionWorkspace& workspace,
                            int multiprocessors, cudaStream_t stream);

// Enqueues one launch over rows and columns > 0. Pointers as above.
template <class T>
cudaError_t launch_pairwise(const PairwiseJob<T>& job, int multiprocessors, cudaStream_t stream);

// cudaSuccess if this build holds code that the current device can run.
cudaError_t check_kernel_image();

}  // namespace scaloss
