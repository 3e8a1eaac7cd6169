// Moves the rows of a head between memory and packs: raw numbers, logits, priors, and gradients back.
#pragma once

#include "../core/head.h"
#include "rows.h"

namespace scaloss {
namespace {

// Stores four numbers of each of the first `rows` rows of a pack.
template <class N, class Address>
SCALOSS_FN void store_four(const Row<N>& row, int rows, Address address) {
  using T = typename Rows<N>::T;
  T all[4 * Rows<N>::kWidth];
  Rows<N>::template store_rows<2>(all, row, Stores::cached);
  for (int i = 0; i < rows; ++i) memcpy(address(i), all + 4 * i, 4 * sizeof(T));
}

// A pack of rows from `first` on, of which the last ones may repeat the last row of the call.
template <class N, class T>
struct HeadRows {
  static constexpr int W = Rows<N>::kWidth;
  const HeadJob<T>& job;
  int64_t first;
  int rows;  // before the repeated ones

  SCALOSS_FN int64_t row(int i) const { return first + (i < rows ? i : rows - 1); }

  SCALOSS_FN Row<N> raw() const {
    if (rows == W) return Rows<N>::template load_rows<2>(job.raw + 4 * first);
    return Rows<N>::gather_rows([&](int i) { return job.raw + 4 * row(i); });
  }
  SCALOSS_FN void logits(int bin4, N* four) const {
    const int columns = raw_columns(job.coder);
    const Row<N> loaded = Rows<N>::gather_rows([&](int i) { return job.raw + columns * row(i) + bin4; });
    for (int k = 0; k < 4; ++k) four[k] = loaded.at[k];
  }
  SCALOSS_FN void prior(N* columns) const {
    const int count = job.coder.prior_columns;
    if (count == 0) return;
    const int64_t begin = first % job.priors;
    if (rows == W && begin + W <= job.priors) {
      const T* const block = job.prior + count * begin;
      if (count == 4) {
        const Row<N> four = Rows<N>::template load_rows<2>(block);
        for (int k = 0; k < 4; ++k) columns[k] = four.at[k];
      } else {
        load_prior(columns, [=](int i) { return block + count * i; });
      }
    } else {
      load_prior(columns, [&](int i) { return job.prior + count * (row(i) % job.priors); });
    }
  }
  template <class Address>
  SCALOSS_FN void load_prior(N* columns, Address address) const {
    for (int k = 0; k < job.coder.prior_columns; ++k) {
      columns[k] = Rows<N>::gather([=](int i) { return address(i) + k; });
    }
  }
  // One number of each row, for the rows that repeat the last one as well.
  SCALOSS_FN N value(const T* array) const {
    return Rows<N>::gather([&](int i) { return array + row(i); });
  }
};

}  // namespace
}  // namespace scaloss
