// The CPU loop over tiles of boxes, for one SIMD level. The source file of each level includes this once and is
// compiled with the flags of that level. Everything here has internal linkage, so that the code of one level cannot be
// linked in place of another's.
#pragma once

#include "../core/job.h"
#include "../core/ordinary.h"
#include "../core/reduction.h"
#include "level.h"
#include "loss_code.h"
#include "rows.h"

namespace scaloss {
namespace {

// Whether all pairs are ordinary, provided that they are regular. Differences are tested twice: ties, exact zeros, are
// ordinary too, but telling them from tiny differences takes longer.
template <class T, int W, int D>
SCALOSS_FN bool all_ordinary(const Box<Pack<T, W>, D>& pred, const Box<Pack<T, W>, D>& target) {
  using N = Pack<T, W>;
  const N limit(kOrdinaryDifference<T>);
  if ((smallest_difference(pred, target, [](N d) { return d; }) >= limit).all()) return true;
  return (smallest_difference(pred, target, [](N d) { return tie_to_limit(d); }) >= limit).all();
}

// Whether all rows of the packs are in the range.
template <Range range, class T, int W, int D>
SCALOSS_FN bool all_in(const BoxLossJob<T>& job, const Box<Pack<T, W>, D>& pred, const Box<Pack<T, W>, D>& target) {
  if (range == Range::any || !is_regular(pred, target).all()) return range == Range::any;
  // An epsilon is added to differences and could bring them nearer to 0 than this test can see.
  return range == Range::regular || (job.params.epsilon == 0 && all_ordinary(pred, target));
}

// The boxes of the rows from `first` on, in the form that evaluate_row() asks for.
template <class N, int D, Range range, class T>
struct InMemory {
  const BoxLossJob<T>& job;
  int64_t first;
  SCALOSS_FN auto pred() const { return load(job.pred); }
  SCALOSS_FN auto target() const { return load(job.target); }

 private:
  SCALOSS_FN auto load(const T* array) const {
    return as<range>(decode(job.format, Rows<N>::template load_rows<D>(array + 2 * D * first)));
  }
};

// Stores the results of those rows for evaluate_row().
struct StoreAt {
  int64_t first;
  Stores stores;
  template <class T, class N>
  SCALOSS_FN void value(T* array, N x) const {
    Rows<N>::store(array + first, x, stores);
  }
  template <class T, class N, int D>
  SCALOSS_FN void row(T* array, const Row<N, D>& rows) const {
    Rows<N>::store_rows(array + 2 * D * first, rows, stores);
  }
};

// See PacksFunction. D is the number of axes of the loss.
template <class Loss, int D, Pass pass, class N, class T>
int64_t run_packs(const BoxLossJob<T>& job_in_memory, int64_t first, int packs, double* lanes, Stores stores) {
  using R = Rows<N>;
  const BoxLossJob<T> job = job_in_memory;  // a copy, so that no store can be taken to change it
  typename R::Count invalid{};
  int64_t invalid_of_rare = 0;
  for (int i = 0; i < packs; ++i) {
    const int64_t row = first + i * R::kWidth;
    double* const row_lanes = lanes + i * R::kWidth % kLanes;
    const InMemory<N, D, Range::any, T> boxes{job, row};
    const Box<N, D> pred = boxes.pred(), target = boxes.target();
    N weight(1), grad_output(1);
    if (job.weight != nullptr) weight = R::load(job.weight + row);
    if (job.grad_output != nullptr) grad_output = R::load(job.grad_output + row);
    if constexpr (Loss::kRange != Range::any) {
      constexpr Range range = Loss::kRange;
      if (all_in<range>(job, pred, target)) {
        const auto summary =
            evaluate_row<Loss, pass>(job, as<range>(pred), as<range>(target), as<range>(weight), as<range>(grad_output),
                                     InMemory<N, D, range, T>{job, row}, StoreAt{row, stores});
        Rows<Pack<T, R::kWidth, range>>::add_to_lanes(row_lanes, summary.weighted_loss);
      } else {
        // Rare boxes take the code that all losses share. Another copy for each loss would make up a fifth of the
        // addon.
        invalid_of_rare += run_packs<AnyLoss, D, pass, N, T>(job, row, 1, row_lanes, stores);
      }
    } else {
      const auto summary =
          evaluate_row<Loss, pass>(job, pred, target, weight, grad_output, boxes, StoreAt{row, stores});
      R::add_to_lanes(row_lanes, summary.weighted_loss);
      R::count(invalid, summary.invalid);
    }
  }
  return R::total(invalid) + invalid_of_rare;
}

// Arrays for up to one pack of rows. The padding consists of boxes whose size is 1 in every format, which are as quick
// as any others.
template <class T, int W, int C>
struct PaddedRows {
  T pred[C * W], target[C * W], weight[W] = {}, grad_output[W] = {};
  T loss[W], grad[C * W], grad_target[C * W], iou[W];
  PaddedRows() {
    for (int i = 0; i < C * W; ++i) pred[i] = target[i] = T(i % C >= C / 2);
  }
};

// Computes the last rows of an array, fewer than a pack, by the same code over a padded copy, so that they get the same
// bits. The padding is neither stored nor counted.
template <int W, int C, class T>
int64_t run_last_rows(const BoxLossJob<T>& job, int64_t first, int rows, double* lanes, PacksFunction<T> run_packs) {
  PaddedRows<T, W, C> padded;
  double padded_lanes[W] = {};
  BoxLossJob<T> part = job;
  const auto copy_in = [=](const T*& array, T* copy, int columns) {
    if (array != nullptr) array = (const T*)memcpy(copy, array + columns * first, rows * columns * sizeof(T));
  };
  copy_in(part.pred, padded.pred, C);
  copy_in(part.target, padded.target, C);
  copy_in(part.weight, padded.weight, 1);
  copy_in(part.grad_output, padded.grad_output, 1);
  part.loss = job.loss ? padded.loss : nullptr;
  part.grad = job.grad ? padded.grad : nullptr;
  part.grad_target = job.grad_target ? padded.grad_target : nullptr;
  part.iou = job.iou ? padded.iou : nullptr;
  const int64_t invalid = run_packs(part, 0, 1, padded_lanes, Stores::cached);
  const auto copy_out = [=](T* array, const T* copy, int columns) {
    if (array != nullptr) memcpy(array + columns * first, copy, rows * columns * sizeof(T));
  };
  copy_out(job.loss, padded.loss, 1);
  copy_out(job.grad, padded.grad, C);
  copy_out(job.grad_target, padded.grad_target, C);
  copy_out(job.iou, padded.iou, 1);
  for (int i = 0; i < rows; ++i) lanes[i] += padded_lanes[i];
  return invalid;
}

template <int D, class N, class T>
TileSum run_tile(const BoxLossJob<T>& job, int64_t tile, PacksFunction<T> run_packs, Stores stores) {
  constexpr int W = Rows<N>::kWidth;
  const int64_t first = tile * kTile;
  const int rows = int(job.boxes - first < kTile ? job.boxes - first : kTile);
  const int packs = rows / W, rest = rows % W;
  const int used = rows < kLanes ? rows : kLanes;
  double lanes[kLanes];
  clear_lanes(lanes, used);
  int64_t invalid = run_packs(job, first, packs, lanes, stores);
  if (rest > 0) {
    invalid += run_last_rows<W, 2 * D>(job, first + packs * W, rest, lanes + packs * W % kLanes, run_packs);
  }
  return {tree_sum(lanes, used), invalid};
}

}  // namespace
}  // namespace scaloss
