// The SIMD levels: one table of tile functions each, chosen at run time.
#pragma once

#include "../../cuda/job.h"

namespace scaloss {

// Sum of the weighted losses of one tile (cuda/reduction.h), and its invalid rows.
struct TileSum {
  double loss;
  int64_t invalid;
};

template <class T>
using TileFunction = TileSum (*)(const BoxLossJob<T>& job, int64_t tile);

#define SCALOSS_COUNT(name, Loss) +1
constexpr int kLosses = 0 SCALOSS_LOSSES(SCALOSS_COUNT);
#undef SCALOSS_COUNT

template <class T>
struct TileTable {
  TileFunction<T> at[kLosses][kPasses];
};

struct Level {
  const char* name;
  TileTable<float> float32;
  TileTable<double> float64;
};

extern const Level kScalarLevel;
#if defined(SCALOSS_HAVE_PACKS)
extern const Level kBaselineLevel;  // SSE2 or NEON: what every CPU of the architecture has
#endif
#if defined(SCALOSS_HAVE_X86)
extern const Level kAvx2Level;
extern const Level kAvx512Level;
#endif

}  // namespace scaloss
