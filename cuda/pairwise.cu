// The kernel over every pair of two sets of boxes.
//
// A thread keeps the box of its column and takes the boxes of the rows one after the other. All threads of a block read
// the same row box at a time, and write next to each other. A value takes a few dozen instructions, so arithmetic and
// the writes limit the speed.
#include "../core/pairwise.h"
#include "device_rows.cuh"
#include "launch.h"

namespace scaloss {

constexpr int kPairwiseRows = 32;      // rows per block: the box of a column is loaded once for this many values
constexpr int kPairwiseThreads = 256;  // columns per block

template <int D, class T>
__global__ void __launch_bounds__(kPairwiseThreads) pairwise_kernel(const __grid_constant__ PairwiseJob<T> job) {
  const int64_t column_tiles = (job.columns + kPairwiseThreads - 1) / kPairwiseThreads;
  const int64_t tiles = column_tiles * ((job.rows + kPairwiseRows - 1) / kPairwiseRows);
  for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    const int64_t column = tile % column_tiles * kPairwiseThreads + threadIdx.x;
    if (column >= job.columns) continue;
    const Box<T, D> b = decode(job.format, load_row(job.b, column, AxesCount<D>()));
    const int64_t first = tile / column_tiles * kPairwiseRows;
    SCALOSS_PRAGMA("unroll 1")
    for (int64_t row = first; row < first + kPairwiseRows && row < job.rows; ++row) {
      const Box<T, D> a = decode(job.format, load_row(job.a, row, AxesCount<D>()));
      job.out[row * job.columns + column] = pair_value<AnyLoss>(job, a, b);
    }
  }
}

template <class T>
cudaError_t launch_pairwise(const PairwiseJob<T>& job, int multiprocessors, cudaStream_t stream) {
  constexpr int kBlocksPerMultiprocessor = 4;  // the registers of the kernel allow 2 to 5 on an SM
  const int64_t tiles =
      ((job.columns + kPairwiseThreads - 1) / kPairwiseThreads) * ((job.rows + kPairwiseRows - 1) / kPairwiseRows);
  const int64_t resident = int64_t(multiprocessors) * kBlocksPerMultiprocessor;
  const unsigned grid = grid_of(tiles < resident ? tiles : resident);
  const auto kernel = axes_of(job.params.loss) == 2 ? pairwise_kernel<2, T> : pairwise_kernel<3, T>;
  launch_kernel(kernel, grid, kPairwiseThreads, stream, job);
  return cudaGetLastError();
}

template cudaError_t launch_pairwise(const PairwiseJob<float>&, int, cudaStream_t);
template cudaError_t launch_pairwise(const PairwiseJob<double>&, int, cudaStream_t);

}  // namespace scaloss
