// The CPU loop over tiles of boxes, for one SIMD level. Each level's source file includes this once, between its own
// compiler flags; everything here has internal linkage, so that no level's code can stand in for another's.
#pragma once

#include "../../cuda/job.h"
#include "../../cuda/reduction.h"
#include "level.h"
#include "rows.h"

namespace scaloss {
namespace {

// `packs` packs of rows from `first` on, all within one tile. Adds their weighted losses to the lanes (lane 0 is the
// first row's) and returns how many rows are invalid.
template <class Loss, Pass pass, class N, class T>
int64_t run_packs(const BoxLossJob<T>& job_in_memory, int64_t first, int packs, double* lanes) {
  using R = Rows<N>;
  const BoxLossJob<T> job = job_in_memory;  // a copy, so that no store can be taken to change it
  typename R::Count invalid{};
  for (int i = 0; i < packs; ++i) {
    const int64_t row = first + i * R::kWidth;
    const Quad<N> pred = R::load_quads(job.pred + 4 * row), target = R::load_quads(job.target + 4 * row);
    N weight(1), grad_output(1);
    if (job.weight != nullptr) weight = R::load(job.weight + row);
    if (job.grad_output != nullptr) grad_output = R::load(job.grad_output + row);
    const Row<N> result = evaluate_row<Loss>(job, pred, target, weight, grad_output);
    if (job.loss != nullptr) R::store(job.loss + row, result.loss);
    if (pass == Pass::fused) {
      if (job.grad != nullptr) R::store_quads(job.grad + 4 * row, result.grad);
      if (job.grad_target != nullptr) R::store_quads(job.grad_target + 4 * row, result.grad_target);
    }
    if (job.iou != nullptr) R::store(job.iou + row, result.iou);
    R::add_to_lanes(lanes + i * R::kWidth % kLanes, result.weighted_loss);
    R::count(invalid, result.invalid);
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
