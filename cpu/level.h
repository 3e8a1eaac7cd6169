// The SIMD levels: one table of functions each, chosen at run time.
#pragma once

#include "../core/dispatch.h"
#include "../core/job.h"
#include "../core/pairwise.h"

namespace scaloss {

// Sum of the weighted losses of one tile (core/reduction.h), and its invalid rows.
struct TileSum {
  double loss;
  int64_t invalid;
};

// How results are written to memory. `streaming` writes past the caches, which avoids reading the lines before they are
// written. It is for calls whose arrays do not fit into the caches anyway. `streaming_pieces` also does so for arrays
// that are not aligned for whole packs, 16 bytes at a time. One thread is as quick without this, but several threads
// have to share the memory's bandwidth.
enum class Stores { cached, streaming, streaming_pieces };

// Computes `packs` packs of rows from `first` on, all within one tile. It adds their weighted losses to the lanes, of
// which lane 0 belongs to the first row, and returns how many rows are invalid.
template <class T>
using PacksFunction = int64_t (*)(const BoxLossJob<T>& job, int64_t first, int packs, double* lanes, Stores stores);

template <class T>
struct PacksByPass {
  PacksFunction<T> forward, fused;
  PacksFunction<T> operator[](Pass pass) const { return pass == Pass::forward ? forward : fused; }
};

template <class T>
using TileFunction = TileSum (*)(const BoxLossJob<T>& job, int64_t tile, PacksFunction<T> run_packs, Stores stores);

// Tables by the number of axes of the loss, 2 or 3, have its entry at position axes - 2.
constexpr int kAxesKinds = 2;

template <class T>
using PairwiseFunction = void (*)(const PairwiseJob<T>& job);

template <class T>
struct LevelTable {
  TileFunction<T> run_tile[kAxesKinds];
  LossTable<PacksByPass<T>> loss;  // where LossParams::modified is not set
  PacksByPass<T> any[kAxesKinds];  // with any options
  PairwiseFunction<T> pairwise[kAxesKinds];
};

// The code of a job among those of a level.
template <class T>
PacksFunction<T> packs_of(const LevelTable<T>& table, const BoxLossJob<T>& job) {
  const int loss = job.params.loss;
  return (job.params.modified ? table.any[axes_of(loss) - 2] : table.loss[loss])[pass_of(job)];
}

struct Level {
  const char* name;
  LevelTable<float> float32;
  LevelTable<double> float64;
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
