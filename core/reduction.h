// The sum of N losses by a tree that depends only on N. So the bits are the same for any number of threads, any grid
// and any backend. Adding zeros changes nothing, so lanes that no row reaches may be left out.
//
//   tile:   kTile rows; lane r % kLanes takes its rows in increasing order, in float64
//   tree:   lanes t and t + width/2 are added, width = kLanes, kLanes/2, ... 2
//   total:  the tiles' sums, as rows of one more tile of any length, through the same lanes and the same tree
#pragma once

#include <cstdint>

#include "function.h"

namespace scaloss {

constexpr int kLanes = 256;  // threads of a block
constexpr int kTile = 1024;  // 4 rows per thread; a tile has 32 KiB of boxes, and its partial sum only 8 bytes

SCALOSS_FN int64_t tile_count(int64_t boxes) {
  return (boxes + kTile - 1) / kTile;
}

// Sets to 0 every lane that tree_sum() reads if the first `used` lanes are in use.
SCALOSS_FN void clear_lanes(double* lanes, int used) {
  const int cleared = 2 * used < kLanes ? 2 * used : kLanes;
  for (int t = 0; t < cleared; ++t) lanes[t] = 0;
}

// Returns the sum of the lanes, of which those from `used` on hold 0, and overwrites them. The widths are constants, so
// that compilers use vectors.
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

}  // namespace scaloss
