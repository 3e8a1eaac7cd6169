// The kernel: loss, gradients and reduction of N boxes in one launch.
//
// Memory decides its speed: with a mean, a row reads 32 bytes and writes 16 (float32). So each row is touched once, a
// box is one 16-byte load, and several rows of a thread are loaded before the first is computed, to keep enough bytes
// in flight.
#pragma once

#include <cuda/atomic>

#include "device_rows.cuh"
#include "job.h"
#include "launch.h"
#include "reduction.h"

namespace scaloss {

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

// The boxes of a row, as evaluate_row() asks for them.
template <class T, int D>
struct InRegisters {
  Box<T, D> boxes[2];
  SCALOSS_DEVICE Box<T, D> pred() const { return boxes[0]; }
  SCALOSS_DEVICE Box<T, D> target() const { return boxes[1]; }
};

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
        // Past the end the last row, which nobody looks at: no branch before a load.
        const int64_t row = first + (step + i) * kLanes;
        in[i] = load_input<D>(job, row < job.boxes ? row : job.boxes - 1);
      }
      // The code of a row stands once; the next row moves into its registers.
      SCALOSS_PRAGMA("unroll 1")
      for (int i = 0; i < kRowsInFlight; ++i) {
        const int64_t row = first + (step + i) * kLanes;
        if (row < job.boxes) {
          const InRegisters<T, D> boxes = {decode(job.format, in[0].pred), decode(job.format, in[0].target)};
          const RowSummary<T> summary = evaluate_row<Loss, pass>(job, boxes.pred(), boxes.target(), in[0].weight,
                                                                 in[0].grad_output, boxes, StoreAt{row});
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

template <class T>
using BoxLossKernel = void (*)(BoxLossJob<T>, ReductionWorkspace);

// The kernel for any loss of 2 or 3 axes: float64, and float32 with 3 axes (box_loss_rare.cu).
template <class T>
BoxLossKernel<T> rare_kernel(int axes, Pass pass);

}  // namespace scaloss
