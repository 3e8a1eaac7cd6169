// The kernel: loss, gradients and reduction of N boxes in one launch.
//
// Memory decides its speed: with a mean, a row reads 32 bytes and writes 16 (float32). So each row is touched once, a
// box is one 16-byte load, and several rows of a thread are loaded before the first is computed, to keep enough bytes
// in flight.
#pragma once

#include <cuda/atomic>

#include "job.h"
#include "launch.h"
#include "reduction.h"

namespace scaloss {

// Picks a function by the number of axes.
template <int D>
struct AxesCount {};

// Inputs are read once: streaming loads (.cs) keep them from pushing out what the cache holds for the next kernel.
SCALOSS_DEVICE Row<float> load_row(const float* rows, int64_t row, AxesCount<2>) {
  const float4 q = __ldcs(reinterpret_cast<const float4*>(rows) + row);
  return {{q.x, q.y, q.z, q.w}};
}
SCALOSS_DEVICE Row<double> load_row(const double* rows, int64_t row, AxesCount<2>) {
  const double2* halves = reinterpret_cast<const double2*>(rows) + 2 * row;
  const double2 a = __ldcs(halves), b = __ldcs(halves + 1);
  return {{a.x, a.y, b.x, b.y}};
}
// Six numbers are not aligned to 16 bytes in float32: pairs of them are to two.
SCALOSS_DEVICE Row<float, 3> load_row(const float* rows, int64_t row, AxesCount<3>) {
  const float2* pairs = reinterpret_cast<const float2*>(rows) + 3 * row;
  const float2 a = __ldcs(pairs), b = __ldcs(pairs + 1), c = __ldcs(pairs + 2);
  return {{a.x, a.y, b.x, b.y, c.x, c.y}};
}
SCALOSS_DEVICE Row<double, 3> load_row(const double* rows, int64_t row, AxesCount<3>) {
  const double2* pairs = reinterpret_cast<const double2*>(rows) + 3 * row;
  const double2 a = __ldcs(pairs), b = __ldcs(pairs + 1), c = __ldcs(pairs + 2);
  return {{a.x, a.y, b.x, b.y, c.x, c.y}};
}

// Gradients are written plainly: the kernel that comes next consumes them.
SCALOSS_DEVICE void store_row(float* rows, int64_t row, const Row<float>& r) {
  reinterpret_cast<float4*>(rows)[row] = make_float4(r.at[0], r.at[1], r.at[2], r.at[3]);
}
SCALOSS_DEVICE void store_row(double* rows, int64_t row, const Row<double>& r) {
  double2* halves = reinterpret_cast<double2*>(rows) + 2 * row;
  halves[0] = make_double2(r.at[0], r.at[1]);
  halves[1] = make_double2(r.at[2], r.at[3]);
}
SCALOSS_DEVICE void store_row(float* rows, int64_t row, const Row<float, 3>& r) {
  float2* pairs = reinterpret_cast<float2*>(rows) + 3 * row;
  for (int k = 0; k < 3; ++k) pairs[k] = make_float2(r.at[2 * k], r.at[2 * k + 1]);
}
SCALOSS_DEVICE void store_row(double* rows, int64_t row, const Row<double, 3>& r) {
  double2* pairs = reinterpret_cast<double2*>(rows) + 3 * row;
  for (int k = 0; k < 3; ++k) pairs[k] = make_double2(r.at[2 * k], r.at[2 * k + 1]);
}

// What a thread reads of one row.
template <class T, int D>
struct RowInput {
  Row<T, D> pred, target;
  T weight, grad_output;
};

template <int D, class T>
SCALOSS_DEVICE RowInput<T, D> load_input(const BoxLossJob<T>& job, int64_t row) {
  RowInput<T, D> in;
  in.pred = load_row(job.pred, row, AxesCount<D>());
  in.target = load_row(job.target, row, AxesCount<D>());
  in.weight = job.weight != nullptr ? __ldcs(job.weight + row) : T(1);
  in.grad_output = job.grad_output != nullptr ? __ldcs(job.grad_output + row) : T(1);
  return in;
}

// Where evaluate_row() puts the results of one row.
struct StoreAt {
  int64_t index;
  template <class T>
  SCALOSS_DEVICE void value(T* array, T x) const {
    array[index] = x;
  }
  template <class T, int D>
  SCALOSS_DEVICE void row(T* array, const Row<T, D>& row) const {
    store_row(array, index, row);
  }
};

// Called by all threads of every block after the block's partial sums are written. The block that comes last adds all
// partial sums in the order that reduction.h fixes, writes the summary and leaves the workspace as it found it.
template <class T>
SCALOSS_DEVICE void finish(const BoxLossJob<T>& job, const ReductionWorkspace& workspace, int64_t tiles,
                           double (&scratch)[kLanes]) {
  SCALOSS_SHARED(bool, is_last, 1);
  __syncthreads();  // all invalid rows of the block are counted, and scratch is free
  if (threadIdx.x == 0) {
    // Release: this block's partials are seen by the last block. Acquire: the last block sees everyone's.
    cuda::atomic_ref<uint32_t, cuda::thread_scope_device> ticket(*workspace.ticket);
    is_last[0] = ticket.fetch_add(1, cuda::memory_order_acq_rel) == gridDim.x - 1;
  }
  __syncthreads();
  if (!is_last[0]) return;
  double lane = 0;
  for (int64_t tile = threadIdx.x; tile < tiles; tile += kLanes) lane += workspace.partials[tile];
  const double sum = block_tree_sum(lane, scratch);
  if (threadIdx.x == 0) {
    workspace.summary->loss = reduced_loss(job, sum);
    workspace.summary->invalid = int64_t(*workspace.invalid);
    *workspace.invalid = 0;
    *workspace.ticket = 0;
  }
}

template <class Loss, int D, Pass pass, class T>
__global__ void __launch_bounds__(kLanes)
    box_loss_kernel(const __grid_constant__ BoxLossJob<T> job, const __grid_constant__ ReductionWorkspace workspace) {
  constexpr int kRowsInFlight = sizeof(T) == 4 ? 2 : 1;  // 64 bytes of boxes a thread
  SCALOSS_SHARED(double, scratch, kLanes);
  const int64_t tiles = tile_count(job.boxes);
  uint32_t invalid = 0;
  for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    double lane = 0;
    const int64_t first = tile * kTile + threadIdx.x;
    SCALOSS_PRAGMA("unroll 1")
    for (int step = 0; step < kTile / kLanes; step += kRowsInFlight) {
      RowInput<T, D> in[kRowsInFlight];
      SCALOSS_PRAGMA("unroll")
      for (int i = 0; i < kRowsInFlight; ++i) {
        const int64_t row = first + (step + i) * kLanes;
        if (row < job.boxes) in[i] = load_input<D>(job, row);
      }
      // The code of a row stands once; the next row moves into its registers.
      SCALOSS_PRAGMA("unroll 1")
      for (int i = 0; i < kRowsInFlight; ++i) {
        const int64_t row = first + (step + i) * kLanes;
        if (row < job.boxes) {
          const RowSummary<T> summary =
              evaluate_row<Loss, pass>(job, decode(job.format, in[0].pred), decode(job.format, in[0].target),
                                       in[0].weight, in[0].grad_output, StoreAt{row});
          lane += double(summary.weighted_loss);
          invalid += summary.invalid;
        }
        if (kRowsInFlight > 1) in[0] = in[kRowsInFlight - 1];
      }
    }
    const double sum = block_tree_sum(lane, scratch);
    if (threadIdx.x == 0) workspace.partials[tile] = sum;
    __syncthreads();  // scratch is used again by the next tile
  }
  // Invalid rows are rare, and integers add to the same sum in any order.
  if (invalid > 0) atomicAdd(workspace.invalid, (unsigned long long)invalid);
  finish(job, workspace, tiles, scratch);
}

}  // namespace scaloss
