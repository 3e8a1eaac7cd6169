// Launches the kernels. This is the interface of the device code for the rest of the CUDA backend.
#pragma once

#include <cuda_runtime_api.h>

#include "../core/job.h"
#include "../core/pairwise.h"

namespace scaloss {

// The memory in which the launches of one call, which may compute its rows in several parts, are added up. The pointers
// are device memory. Calls on one stream can share it, one after the other. ticket and invalid are 0 between calls.
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

// The number of blocks of a launch. Any number would give the same results.
template <class S>
unsigned box_loss_blocks(const BoxLossJob<S>& job, int multiprocessors);

// Enqueues one launch. All pointers of the job are device memory, or host memory that the device reaches, and aligned
// to 16 bytes. boxes is positive. S is float, double, Float16 or BFloat16.
template <class S>
cudaError_t launch_box_loss(const BoxLossJob<S>& job, const ReductionWorkspace& workspace, int multiprocessors,
                            cudaStream_t stream);

// Enqueues one launch. The same conditions apply to the pointers, and rows and columns are positive.
template <class T>
cudaError_t launch_pairwise(const PairwiseJob<T>& job, int multiprocessors, cudaStream_t stream);

// cudaSuccess if this build holds code that the current device can run.
cudaError_t check_kernel_image();

}  // namespace scaloss
