// Launching the kernel: what the CUDA backend sees of the device code.
#pragma once

#include <cuda_runtime_api.h>

#include "../core/job.h"
#include "../core/pairwise.h"

namespace scaloss {

// Where the launches of one call, which may compute its rows in several parts, add up. Pointers to device memory;
// calls on one stream can share it, one after the other. ticket and invalid are 0 between calls.
struct ReductionWorkspace {
  double* partials;             // [tiles]
  int64_t tiles;                // of the call
  int64_t first_tile;           // of this launch
  uint32_t blocks;              // of all launches of the call; the last to come writes the results
  uint32_t* ticket;             // blocks that are done
  unsigned long long* invalid;  // invalid rows so far
  double* loss;                 // result: the reduced loss
  double* invalid_rows;         // result
};

// How many blocks the launch of a job has. Any number would give the same results.
template <class S>
unsigned box_loss_blocks(const BoxLossJob<S>& job, int multiprocessors);

// Enqueues one launch. All pointers of the job are device memory, or memory of the host that the device reaches,
// aligned to 16 bytes; boxes > 0. S: float, double, Float16 or BFloat16.
template <class S>
cudaError_t launch_box_loss(const BoxLossJob<S>& job, const ReductionWorkspace& workspace, int multiprocessors,
                            cudaStream_t stream);

// Enqueues one launch over rows and columns > 0. Pointers as above.
template <class T>
cudaError_t launch_pairwise(const PairwiseJob<T>& job, int multiprocessors, cudaStream_t stream);

// cudaSuccess if this build holds code that the current device can run.
cudaError_t check_kernel_image();

}  // namespace scaloss
