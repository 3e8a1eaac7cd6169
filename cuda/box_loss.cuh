// The kernel: loss, gradients and reduction of N boxes in one launch.
//
// Memory bandwidth limits its speed: with a mean, a row reads 32 bytes and writes 16 (float32). So each row is read
// only once, a box is one 16-byte load, and a thread loads several rows before it computes the first, to keep enough
// bytes in flight.
#pragma once

#include <cuda/atomic>

#include "../core/job.h"
#include "../core/ordinary.h"
#include "block_sum.cuh"
#include "device_rows.cuh"
#include "known.cuh"
#include "launch.h"

namespace scaloss {

// The data that a thread reads of one row.
template <class T, int D>
struct RowInput {
  Row<T, D> pred, target;
  T weight, grad_output;
};

template <int D, class S, class T = typename ArithmeticOf<S>::type>
SCALOSS_DEVICE RowInput<T, D> load_input(const BoxLossJob<S>& job, int64_t row) {
  RowInput<T, D> in;
  in.pred = load_row(job.pred, row, AxesCount<D>());
  in.target = load_row(job.target, row, AxesCount<D>());
  in.weight = job.weight != nullptr ? load_value(job.weight, row) : T(1);
  in.grad_output = job.grad_output != nullptr ? load_value(job.grad_output, row) : T(1);
  return in;
}

// The boxes of a row, in the form that evaluate_row() asks for.
template <class N, int D>
struct InRegisters {
  Box<N, D> boxes[2];
  SCALOSS_DEVICE Box<N, D> pred() const { return boxes[0]; }
  SCALOSS_DEVICE Box<N, D> target() const { return boxes[1]; }
};

// Stores the results of one row for evaluate_row().
template <class T>
struct StoreAt {
  int64_t index;
  template <class S, class N>
  SCALOSS_DEVICE void value(S* array, N x) const {
    array[index] = to_stored<S>(T(x));
  }
  template <class S, class N, int D>
  SCALOSS_DEVICE void row(S* array, const Row<N, D>& row) const {
    Row<T, D> plain;
    for (int k = 0; k < 2 * D; ++k) plain.at[k] = T(row.at[k]);
    store_row(array, index, plain);
  }
};

template <class N, class T, int D>
SCALOSS_DEVICE Box<N, D> box_of(const Box<T, D>& box) {
  Box<N, D> same;
  for (int k = 0; k < D; ++k) {
    same.first[k] = N(box.first[k]);
    same.second[k] = N(box.second[k]);
  }
  return same;
}

// Maps the loss whose code computes all pairs to the one whose code computes the pairs of a range.
template <class Loss>
struct FastPath {
  using type = Loss;
  static SCALOSS_DEVICE bool serves(int32_t) { return true; }
};
template <>
struct FastPath<AnyLoss> {
  using type = PlainLoss;
  static SCALOSS_DEVICE bool serves(int32_t modified) { return !modified; }
};

// Computes and stores one row whose pair is in the range.
template <class Loss, Pass pass, Range range, class S, class T, int D>
SCALOSS_DEVICE RowSummary<T> run_row(const BoxLossJob<S>& job, const Box<T, D>& pred, const Box<T, D>& target,
                                     const RowInput<T, D>& in, int64_t row) {
  using N = typename KnownNumber<T, range>::type;
  const InRegisters<N, D> boxes = {box_of<N>(pred), box_of<N>(target)};
  const RowSummary<N> summary = evaluate_row<Loss, pass>(job, boxes.pred(), boxes.target(), N(in.weight),
                                                         N(in.grad_output), boxes, StoreAt<T>{row});
  return {T(summary.weighted_loss), summary.invalid};
}

// All threads of every block call this after the partial sums of the block are written. The block that comes last adds
// all partial sums in the order that reduction.h fixes, writes the summary, and leaves the workspace as it found it.
template <class S>
SCALOSS_DEVICE void finish(const BoxLossJob<S>& job, const ReductionWorkspace& workspace, double (&scratch)[kLanes]) {
  SCALOSS_SHARED(bool, is_last, 1);
  __syncthreads();  // all invalid rows of the block are counted, and scratch is free
  if (threadIdx.x == 0) {
    // Release: the last block sees the partial sums of this block. Acquire: the last block sees those of all blocks.
    cuda::atomic_ref<uint32_t, cuda::thread_scope_device> ticket(*workspace.ticket);
    is_last[0] = ticket.fetch_add(1, cuda::memory_order_acq_rel) == workspace.blocks - 1;
  }
  __syncthreads();
  if (!is_last[0]) return;
  double lane = 0;
  for (int64_t tile = threadIdx.x; tile < workspace.tiles; tile += kLanes) lane += workspace.partials[tile];
  const double sum = block_tree_sum(lane, scratch);
  if (threadIdx.x == 0) {
    *workspace.loss = reduced_loss(job, sum);
    *workspace.invalid_rows = double(*workspace.invalid);
    *workspace.invalid = 0;
    *workspace.ticket = 0;
  }
}

// The number of blocks that an SM must be able to hold, which bounds the registers of a thread: 3 blocks to 80, 2
// blocks to 128. It is the largest number without spills.
template <class Loss, class S>
constexpr int kResidentBlocks = sizeof(S) == 8 ? 1 : 3;
template <class S>
constexpr int kResidentBlocks<AnyLoss, S> = sizeof(S) == 8 ? 1 : 2;
template <class Terms, class S>
constexpr int kResidentBlocks<FamilyLoss<Terms>, S> = Terms::kTerms == 0 ? 3 : 2;

// Nearly all pairs are regular. They take a path without scaling by powers of two and without tests for what regular
// pairs cannot be. It has a third to a half fewer instructions, which are the second limit of the kernels. The bits are
// the same by construction (box.h, ordinary.h).
template <class Loss, int D, Pass pass, class S>
__global__ void __launch_bounds__(kLanes, (kResidentBlocks<Loss, S>))
    box_loss_kernel(const __grid_constant__ BoxLossJob<S> job, const __grid_constant__ ReductionWorkspace workspace) {
  using T = typename ArithmeticOf<S>::type;
  constexpr int kRowsInFlight = sizeof(S) == 8 ? 1 : 2;
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
        // Past the end the last row is loaded, and its results are not used. So there is no branch before a load.
        const int64_t row = first + (step + i) * kLanes;
        in[i] = load_input<D>(job, row < job.boxes ? row : job.boxes - 1);
      }
      // The loop is not unrolled: there is one copy of the code for a row, and the next row moves into its registers.
      SCALOSS_PRAGMA("unroll 1")
      for (int i = 0; i < kRowsInFlight; ++i) {
        const int64_t row = first + (step + i) * kLanes;
        if (row < job.boxes) {
          const Box<T, D> pred = decode(job.format, in[0].pred), target = decode(job.format, in[0].target);
          using Fast = FastPath<Loss>;
          constexpr Range range = Fast::type::kRange;
          if (Fast::serves(job.params.modified) && is_in<range>(pred, target, job.params.epsilon)) {
            lane += double(run_row<typename Fast::type, pass, range>(job, pred, target, in[0], row).weighted_loss);
          } else {
            const RowSummary<T> summary = run_row<Loss, pass, Range::any>(job, pred, target, in[0], row);
            lane += double(summary.weighted_loss);
            invalid += summary.invalid;
          }
        }
        if (kRowsInFlight > 1) in[0] = in[kRowsInFlight - 1];
      }
    }
    const double sum = block_tree_sum(lane, scratch);
    if (threadIdx.x == 0) workspace.partials[workspace.first_tile + tile] = sum;
    __syncthreads();  // scratch is used again by the next tile
  }
  // Invalid rows are rare, and integers add up to the same sum in any order.
  if (invalid > 0) atomicAdd(workspace.invalid, (unsigned long long)invalid);
  finish(job, workspace, scratch);
}

// A kernel, and how many of its blocks fit on an SM.
template <class S>
struct BoxLossKernel {
  void (*run)(BoxLossJob<S>, ReductionWorkspace);
  int resident;
};
template <class Loss, int D, Pass pass, class S>
constexpr BoxLossKernel<S> kernel_for() {
  return {box_loss_kernel<Loss, D, pass, S>, kResidentBlocks<Loss, S>};
}

// The kernels for any loss of 2 or 3 axes, by the type of the arrays: all kernels except those of box_loss.cu. Each
// type has a separate source file, because the driver compiles them file by file.
template <class S>
BoxLossKernel<S> rare_kernel(int axes, Pass pass);

}  // namespace scaloss
