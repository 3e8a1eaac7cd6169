// Which code the loop over packs (cpu/tiles.h) takes for which boxes, shown by a loss that counts its calls. Compiled
// for each level with its options and with PROBE, LEVEL and ROWS: the name of the variable, of the level, and its rows
// to a pack.
#if defined(__GNUC__) && !defined(__clang__)
// As in cpu/level_avx512.cpp.
#  pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#  pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include "probe.h"

#include "../../../cpu/tiles.h"

namespace scaloss {
namespace {

int calls[3];  // by Range

// Its own loss is 0.
template <Range range>
struct CountingLoss {
  static constexpr Range kRange = range;
  static constexpr bool kOrdered = true;
  template <class N, int D>
  static SCALOSS_FN PairTerms<N, D> evaluate(const Axes<N, D>&, const LossParams<StorageOf<N>>&) {
    ++calls[int(NumberOf<N>::kOrdinary ? Range::ordinary : NumberOf<N>::kRegular ? Range::regular : Range::any)];
    return constant_terms<N, D>(N(0));
  }
};

// The code of AnyLoss shows in the results: it computes l1, which is above 0 somewhere in each pack.
template <Range range>
ProbeCounts count(const float* pred, const float* target, int packs, float epsilon) {
  float loss[kMostRows];
  double lanes[kLanes] = {};
  BoxLossJob<float> job = {};
  job.boxes = packs * ROWS;
  job.pred = pred;
  job.target = target;
  job.loss = loss;
  job.loss_scale = 1;
  job.params.loss = kLoss_l1;
  job.params.epsilon = epsilon;
  for (int& each : calls) each = 0;
  ProbeCounts counts = {};
  counts.invalid =
      run_packs<CountingLoss<range>, 2, Pass::forward, Pack<float, ROWS>, float>(job, 0, packs, lanes, Stores::cached);
  counts.any = calls[int(Range::any)];
  counts.regular = calls[int(Range::regular)];
  counts.ordinary = calls[int(Range::ordinary)];
  for (int row = 0; row < packs * ROWS; ++row) counts.by_any_loss |= uint32_t(loss[row] > 0) << row / ROWS;
  return counts;
}

}  // namespace

extern const Probe PROBE = {LEVEL, ROWS, count<Range::any>, count<Range::regular>, count<Range::ordinary>};

}  // namespace scaloss
