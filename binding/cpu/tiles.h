// The CPU loop over tiles of boxes, for one SIMD level. Each level's source file includes this once, between its own
// compiler flags; everything here has internal linkage, so that no level's code can stand in for another's.
#pragma once

#include "../../cuda/job.h"
#include "../../cuda/ordinary.h"
#include "../../cuda/reduction.h"
#include "level.h"
#include "rows.h"

namespace scaloss {
namespace {

// Whether scaling changes nothing for any row of the packs. Differences are looked at twice: ties, exact zeros, are
// ordinary too, but to tell them from tiny differences takes longer.
template <class T, int W>
SCALOSS_FN bool all_ordinary(const Box<Pack<T, W>>& pred, const Box<Pack<T, W>>& target) {
  using N = Pack<T, W>;
  const N limit(OrdinaryRange<T>::kDifference);
  if (!has_ordinary_extent(pred, target).all()) return false;
  if ((smallest_difference(pred, target, [](N d) { return d; }) >= limit).all()) return true;
  const auto tie_to_limit = [=](N d) { return select(d == N(0), limit, d); };
  return (smallest_difference(pred, target, tie_to_limit) >= limit).all();
}
template <class T>
SCALOSS_FN bool all_ordinary(const Box<T>&, const Box<T>&) {
  return false;  // one row at a time: a branch for each costs more than it saves
}

// The same boxes as ordinary ones.
template <class T, int W>
SCALOSS_FN Box<Pack<T, W, true>> as_ordinary(const Box<Pack<T, W>>& box) {
  return {{box.first[0].v, box.first[1].v}, {box.second[0].v, box.second[1].v}};
}
template <class T, int W>
SCALOSS_FN Pack<T, W, true> as_ordinary(Pack<T, W> pack) {
  return pack.v;
}
template <class N>
SCALOSS_FN N as_ordinary(N x) {
  return x;
}

// Where evaluate_row() puts the results of the rows from `row` on.
struct StoreAt {
  int64_t row;
  template <class T, class N>
  SCALOSS_FN void value(T* array, N x) const {
    Rows<N>::store(array + row, x);
  }
  template <class T, class N>
  SCALOSS_FN void quad(T* array, const Quad<N>& quad) const {
    Rows<N>::store_quads(array + 4 * row, quad);
  }
};

template <class N>
SCALOSS_FN void add_to_lanes(double* lanes, N weighted_loss) {
  Rows<N>::add_to_lanes(lanes, weighted_loss);
}

// `packs` packs of rows from `first` on, all within one tile. Adds their weighted losses to the lanes (lane 0 is the
// first row's) and returns how many rows are invalid.
template <class Loss, Pass pass, class N, class T>
int64_t run_packs(const BoxLossJob<T>& job_in_memory, int64_t first, int packs, double* lanes) {
  using R = Rows<N>;
  const BoxLossJob<T> job = job_in_memory;  // a copy, so that no store can be taken to change it
  typename R::Count invalid{};
  for (int i = 0; i < packs; ++i) {
    const int64_t row = first + i * R::kWidth;
    double* const row_lanes = lanes + i * R::kWidth % kLanes;
    const Box<N> pred = decode(job.format, R::load_quads(job.pred + 4 * row));
    const Box<N> target = decode(job.format, R::load_quads(job.target + 4 * row));
    N weight(1), grad_output(1);
    if (job.weight != nullptr) weight = R::load(job.weight + row);
    if (job.grad_output != nullptr) grad_output = R::load(job.grad_output + row);
    // epsilon adds to differences, and could bring them nearer to 0 than the test of them knows.
    if (job.epsilon == 0 && all_ordinary(pred, target)) {
      const auto summary = evaluate_row<Loss, pass>(job, as_ordinary(pred), as_ordinary(target), as_ordinary(weight),
                                                    as_ordinary(grad_output), StoreAt{row});
      add_to_lanes(row_lanes, summary.weighted_loss);
    } else {
      const auto summary = evaluate_row<Loss, pass>(job, pred, target, weight, grad_output, StoreAt{row});
      add_to_lanes(row_lanes, summary.weighted_loss);
      R::count(invalid, summary.invalid);
    }
  }
  return R::total(invalid);
}

// Up to one pack of rows in arrays of their own, the rest zeros: points at the origin.
template <class T, int W>
struct PaddedRows {
  T pred[4 * W] = {}, target[4 * W] = {}, weight[W] = {}, grad_output[W] = {};
  T loss[W], grad[4 * W], grad_target[4 * W], iou[W];
};

// The last rows of an array, fewer than a pack: the same code over a padded copy, so that they get the same bits. The
// padding is neither stored nor counted.
template <class T, int W, class RunPacks>
int64_t run_last_rows(const BoxLossJob<T>& job, int64_t first, int rows, double* lanes, RunPacks run_packs) {
  PaddedRows<T, W> padded;
  double padded_lanes[W] = {};
  BoxLossJob<T> part = job;
  const auto copy_in = [=](const T*& array, T* copy, int columns) {
    if (array != nullptr) array = (const T*)memcpy(copy, array + columns * first, rows * columns * sizeof(T));
  };
  copy_in(part.pred, padded.pred, 4);
  copy_in(part.target, padded.target, 4);
  copy_in(part.weight, padded.weight, 1);
  copy_in(part.grad_output, padded.grad_output, 1);
  part.loss = job.loss ? padded.loss : nullptr;
  part.grad = job.grad ? padded.grad : nullptr;
  part.grad_target = job.grad_target ? padded.grad_target : nullptr;
  part.iou = job.iou ? padded.iou : nullptr;
  const int64_t invalid = run_packs(part, 0, 1, padded_lanes);
  const auto copy_out = [=](T* array, const T* copy, int columns) {
    if (array != nullptr) memcpy(array + columns * first, copy, rows * columns * sizeof(T));
  };
  copy_out(job.loss, padded.loss, 1);
  copy_out(job.grad, padded.grad, 4);
  copy_out(job.grad_target, padded.grad_target, 4);
  copy_out(job.iou, padded.iou, 1);
  for (int i = 0; i < rows; ++i) lanes[i] += padded_lanes[i];
  return invalid;
}

template <class Loss, Pass pass, class N, class T>
TileSum run_tile(const BoxLossJob<T>& job, int64_t tile) {
  constexpr int W = Rows<N>::kWidth;
  const auto run = run_packs<Loss, pass, N, T>;
  const int64_t first = tile * kTile;
  const int rows = int(job.boxes - first < kTile ? job.boxes - first : kTile);
  const int packs = rows / W, rest = rows % W;
  const int used = rows < kLanes ? rows : kLanes;
  double lanes[kLanes];
  clear_lanes(lanes, used);
  int64_t invalid = run(job, first, packs, lanes);
  if (rest > 0) {
    invalid += run_last_rows<T, W>(job, first + packs * W, rest, lanes + packs * W % kLanes, run);
  }
  return {tree_sum(lanes, used), invalid};
}

template <class N, class T>
constexpr TileTable<T> make_table() {
#define SCALOSS_ROW(name, Loss) {run_tile<Loss, Pass::forward, N, T>, run_tile<Loss, Pass::fused, N, T>},
  return {{SCALOSS_LOSSES(SCALOSS_ROW)}};
#undef SCALOSS_ROW
}

}  // namespace
}  // namespace scaloss
