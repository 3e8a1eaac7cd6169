// The sum of N losses by a tree that depends on N alone: the same bits from any number of threads, any grid, any
// backend. Adding zeros changes nothing, so lanes that no row reaches may be left out.
//
//   tile:   kTile rows; lane r % kLanes takes its rows in increasing order, in float64
//   tree:   lanes t and t + width/2 are added, width = kLanes, kLanes/2, ... 2
//   total:  the tiles' sums, as rows of one more tile of any length, through the same lanes and the same tree
#pragma once

#include "../cuda/device.h"

namespace scaloss {

constexpr int kLanes = 256;  // threads of a block
constexpr int kTile = 1024;  // 4 rows a thread: 32 KiB of boxes, and 8 bytes of partial sums a tile are nothing

SCALOSS_FN int64_t tile_count(int64_t boxes) {
  return (boxes + kTile - 1) / kTile;
}

// Sets to 0 the lanes that tree_sum() reads when the first `used` hold values.
SCALOSS_FN void clear_lanes(double* lanes, int used) {
  const int cleared = 2 * used < kLanes ? 2 * used : kLanes;
  for (int t = 0; t < cleared; ++t) lanes[t] = 0;
}

// Sum of the lanes; those from `used` on hold 0. Destroys the lanes. Constant widths, so that compilers use vectors.
template <int width = kLanes / 2>
SCALOSS_FN double tree_sum(double* lanes, int used) {
  if (width < used) {
    for (int t = 0; t < width; ++t) lanes[t] += lanes[t + width];
  }
  return tree_sum<width / 2>(lanes, used);
}
template <>
SCALOSS_FN double tree_sum<0>(double* lanes, int) {
  return lanes[0];
}

#if defined(SCALOSS_DEVICE_CODE)
// The same tree by a block of kLanes threads, each with one lane. Valid in thread 0. The caller puts a barrier between
// this call and the next use of `scratch`.
SCALOSS_DEVICE double block_tree_sum(double lane, double (&scratch)[kLanes]) {
  const int t = threadIdx.x;
  scratch[t] = lane;
  __syncthreads();
  double sum = 0;
  if (t < 32) {
    // Widths 256, 128 and 64 by one warp from shared memory: one barrier instead of four.
    sum = ((scratch[t] + scratch[t + 128]) + (scratch[t + 64] + scratch[t + 192])) +
          ((scratch[t + 32] + scratch[t + 160]) + (scratch[t + 96] + scratch[t + 224]));
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
  }
  return sum;
}
#endif

}  // namespace scaloss
