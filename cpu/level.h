// The SIMD levels: one table of functions each, chosen at run time.
#pragma once

#include "../core/dispatch.h"
#include "../core/head.h"
#include "../core/job.h"
#include "../core/pairwise.h"
#include "../core/reduction.h"

namespace scaloss {

// Sum of the weighted losses of one tile (core/reduction.h), and its invalid rows.
struct TileSum {
  double loss;
  int64_t invalid;
};

// The same of a call of headLoss, and the sum of the cross entropies of its two bins.
struct HeadTileSum {
  double loss, dfl;
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

template <class T>
using HeadTileFunction = HeadTileSum (*)(const HeadJob<T>& job, int64_t tile, PacksFunction<T> run_packs);

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
  HeadTileFunction<T> run_head_tile;
};

// The code of a job among those of a level.
template <class T>
PacksFunction<T> packs_of(const LevelTable<T>& table, const BoxLossJob<T>& job) {
  const int loss = job.params.loss;
  return (job.params.modified ? table.any[axes_of(loss) - 2] : table.loss[loss])[pass_of(job)];
}

// The code for the loss of a head, or null if its boxes alone are wanted.
template <class T>
PacksFunction<T> packs_of_head(const LevelTable<T>& table, const HeadJob<T>& job) {
  if (job.loss.target == nullptr) return nullptr;
  BoxLossJob<T> loss = job.loss;
  loss.grad = job.grad;  // it decides about the pass
  return packs_of(table, loss);
}

// The sum over the tiles of a call, which come in order.
class HeadSum {
 public:
  void add(int64_t tile, const HeadTileSum& sum) {
    lanes_[tile % kLanes] += sum.loss;
    dfl_lanes_[tile % kLanes] += sum.dfl;
    invalid_ += sum.invalid;
  }
  template <class T>
  BoxLossSummary summary(const HeadJob<T>& job) {
    const double loss = reduced_loss(job.loss, tree_sum(lanes_, kLanes)), dfl = tree_sum(dfl_lanes_, kLanes);
    // Without a positive divisor there is no row that counts.
    return {job.dfl_sum_scale == 0 ? loss : loss + dfl * job.dfl_sum_scale / job.loss.divisor, invalid_};
  }

 private:
  double lanes_[kLanes] = {}, dfl_lanes_[kLanes] = {};
  int64_t invalid_ = 0;
};

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
