// The tree of core/reduction.h, computed by a block of threads.
#pragma once

#include "../core/reduction.h"
#include "device.h"

namespace scaloss {

// The sum of the lanes of a block of kLanes threads, each of which holds one lane. The result is valid in thread 0. The
// caller puts a barrier between this call and the next use of `scratch`.
SCALOSS_DEVICE double block_tree_sum(double lane, double (&scratch)[kLanes]) {
  const int t = threadIdx.x;
  scratch[t] = lane;
  __syncthreads();
  double sum = 0;
  if (t < 32) {
    // One warp adds widths 256, 128 and 64 from shared memory, which takes one barrier instead of four.
    sum = ((scratch[t] + scratch[t + 128]) + (scratch[t + 64] + scratch[t + 192])) +
          ((scratch[t + 32] + scratch[t + 160]) + (scratch[t + 96] + scratch[t + 224]));
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
  }
  return sum;
}

}  // namespace scaloss
