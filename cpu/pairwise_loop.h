// The CPU loop over all pairs of two sets of boxes, for one SIMD level. Included by tiles.h, with internal linkage.
#pragma once

#include "../core/pairwise.h"
#include "level.h"
#include "loss_code.h"
#include "rows.h"

namespace scaloss {
namespace {

constexpr int kBlockColumns = 256;  // a block of decoded boxes takes 4 to 12 KiB and stays in the first-level cache

// Computes the values of one box against `columns` boxes. The last pack of these may be padded.
template <class N, int D, class T>
using PairwiseRowFunction = void (*)(const PairwiseJob<T>& job, const Box<T, D>& a, const Box<N, D>* b, int columns,
                                     T* out);

template <class Loss, Range range, class N, int D, class T>
void run_pairwise_row(const PairwiseJob<T>& job_in_memory, const Box<T, D>& box, const Box<N, D>* b, int columns,
                      T* out) {
  constexpr int W = Rows<N>::kWidth;
  const PairwiseJob<T> job = job_in_memory;
  Box<N, D> a;
  for (int k = 0; k < D; ++k) {
    a.first[k] = N(box.first[k]);
    a.second[k] = N(box.second[k]);
  }
  for (int column = 0; column < columns; column += W) {
    N values;
    if constexpr (range == Range::any) {
      values = pair_value<Loss>(job, a, b[column / W]);
    } else {
      values = pair_value<Loss>(job, as<range>(a), as<range>(b[column / W])).v;
    }
    if (columns - column >= W) {
      Rows<N>::store(out + column, values, Stores::cached);
    } else {
      T last[W];
      Rows<N>::store(last, values, Stores::cached);
      memcpy(out + column, last, (columns - column) * sizeof(T));
    }
  }
}

// The code for pairs that are all regular, or null if the loss has none.
template <class N, int D, class T>
struct RegularRowOfLoss {
  template <class Listed>
  constexpr PairwiseRowFunction<N, D, T> operator()(Listed) const {
    if constexpr (Listed::kAxes == D) {
      using Loss = typename Listed::Loss;
      if constexpr (LossCode<Loss, D, N>::type::kRange != Range::any) {
        return run_pairwise_row<Loss, Range::regular, N, D, T>;
      }
    }
    return nullptr;
  }
};

// Decodes `columns` boxes from `first` on. The last pack is filled up with copies of the last box.
template <class N, int D, class T>
void load_block(const PairwiseJob<T>& job, int64_t first, int columns, Box<N, D>* block) {
  constexpr int W = Rows<N>::kWidth, C = 2 * D;
  const T* const boxes = job.b + C * first;
  for (int column = 0; column < columns; column += W) {
    T padded[C * W];
    const T* source = boxes + C * column;
    if (columns - column < W) {
      for (int i = 0; i < W; ++i) {
        const int from = i < columns - column ? i : columns - column - 1;
        memcpy(padded + C * i, source + C * from, C * sizeof(T));
      }
      source = padded;
    }
    block[column / W] = decode(job.format, Rows<N>::template load_rows<D>(source));
  }
}

template <class N, int D>
bool block_is_regular(const Box<N, D>* block, int columns) {
  for (int column = 0; column < columns; column += Rows<N>::kWidth) {
    const Box<N, D>& boxes = block[column / Rows<N>::kWidth];
    if (!all(is_regular(boxes, boxes))) return false;
  }
  return true;
}

template <int D, class N, class T>
void run_pairwise(const PairwiseJob<T>& job) {
  static constexpr auto regular_rows = table_by_loss(RegularRowOfLoss<N, D, T>());
  const PairwiseRowFunction<N, D, T> any_row = run_pairwise_row<AnyLoss, Range::any, N, D, T>;
  const PairwiseRowFunction<N, D, T> own_row = job.params.modified ? nullptr : regular_rows[job.params.loss];
  Box<N, D> block[kBlockColumns / Rows<N>::kWidth];
  for (int64_t first = 0; first < job.columns; first += kBlockColumns) {
    const int columns = int(job.columns - first < kBlockColumns ? job.columns - first : kBlockColumns);
    load_block(job, first, columns, block);
    const bool is_regular_block = own_row != nullptr && block_is_regular(block, columns);
    for (int64_t row = 0; row < job.rows; ++row) {
      const Box<T, D> a = decode(job.format, Rows<T>::template load_rows<D>(job.a + 2 * D * row));
      const auto run_row = is_regular_block && is_regular(a, a) ? own_row : any_row;
      run_row(job, a, block, columns, job.out + row * job.columns + first);
    }
  }
}

}  // namespace
}  // namespace scaloss
