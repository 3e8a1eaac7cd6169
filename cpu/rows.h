// Moves data between rows in memory and numbers or packs: [N, 2 D] rows to one pack per coordinate and back, [N]
// values, and values into float64 lanes. A pack of float32 holds its rows in a different order (row_at), because
// transposing 4 x 4 blocks inside 16-byte groups needs half of the shuffles. [N] values are permuted to match.
#pragma once

#include <utility>

#include "../core/formats.h"
#include "level.h"
#include "pack.h"

namespace scaloss {

// Moves one row at a time, for `float` and `double`.
template <class N>
struct Rows {
  using T = N;
  static constexpr int kWidth = 1;
  template <int D>
  static SCALOSS_FN Row<N, D> load_rows(const T* p) {
    Row<N, D> row;
    for (int k = 0; k < 2 * D; ++k) row.at[k] = p[k];
    return row;
  }
  template <int D>
  static SCALOSS_FN void store_rows(T* p, const Row<N, D>& row, Stores) {
    for (int k = 0; k < 2 * D; ++k) p[k] = row.at[k];
  }
  static SCALOSS_FN N load(const T* p) { return *p; }
  template <class Address>
  static SCALOSS_FN N gather(Address address) {
    return *address(0);
  }
  template <class Address>
  static SCALOSS_FN Row<N> gather_rows(Address address) {
    return load_rows<2>(address(0));
  }
  static SCALOSS_FN void store(T* p, N x, Stores) { *p = x; }
  static SCALOSS_FN void add_to_lanes(double* lanes, N x) { *lanes += x; }

  using Count = int64_t;
  static SCALOSS_FN void count(Count& count, bool mask) { count += mask; }
  static SCALOSS_FN int64_t total(Count count) { return count; }
};

template <class T_, int W, Range range>
struct Rows<Pack<T_, W, range>> {
  using T = T_;
  using N = Pack<T, W, range>;
  using Vector = typename N::Vector;
  static constexpr int kWidth = W;
  // Shuffles work inside groups of this many elements, because AVX2 is slow to cross the 16-byte halves of a register.
  static constexpr int kGroup = sizeof(T) == 4 ? 4 : W;
  static constexpr int kRowsPerLoad = W / 4;

  // The row of the pack that lies at position p, and the inverse.
  static constexpr int row_at(int p) { return kGroup == W ? p : (p % 4) * kRowsPerLoad + p / 4; }
  static constexpr int position_of(int row) {
    return kGroup == W ? row : (row % kRowsPerLoad) * 4 + row / kRowsPerLoad;
  }

  // Patterns of elements of two registers a (0 .. W-1) and b (W .. 2W-1). They are the same in every group.
  template <int odd>
  struct Every {  // elements odd, odd + 2, ... of a's group, then of b's
    static constexpr int at(int p) {
      const int group = p - p % kGroup, j = p % kGroup;
      return j < kGroup / 2 ? group + 2 * j + odd : W + group + 2 * (j - kGroup / 2) + odd;
    }
  };
  template <int half>
  struct Zip {  // the groups' halves of a and b, alternating; undoes Every
    static constexpr int at(int p) {
      const int group = p - p % kGroup, j = p % kGroup;
      return (j % 2 ? W : 0) + group + half * kGroup / 2 + j / 2;
    }
  };
  struct ByPosition {
    static constexpr int at(int p) { return row_at(p); }
  };
  struct ByRow {
    static constexpr int at(int row) { return position_of(row); }
  };

  template <class Pattern, int... i>
  static SCALOSS_FN Vector shuffle(Vector a, Vector b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, Pattern::at(i)...);
  }
  template <class Pattern>
  static SCALOSS_FN Vector shuffle(Vector a, Vector b) {
    return shuffle<Pattern>(a, b, std::make_integer_sequence<int, W>());
  }

  static SCALOSS_FN Vector load_vector(const T* p) {
    Vector v;
    memcpy(&v, p, sizeof v);
    return v;
  }
  static SCALOSS_FN void store_vector(T* p, Vector v) { memcpy(p, &v, sizeof v); }
  // Stores consecutive vectors.
  template <class... Vectors>
  static SCALOSS_FN void store_vectors(T* p, Stores stores, Vectors... vectors) {
    const auto address = reinterpret_cast<uintptr_t>(p);
    if (stores != Stores::cached && address % sizeof(Vector) == 0) {
      ((vector_stream(p, vectors), p += W), ...);
    } else if (stores == Stores::streaming_pieces && address % 16 == 0) {
      ((stream_pieces(p, vectors), p += W), ...);
    } else {
      ((store_vector(p, vectors), p += W), ...);
    }
  }
  static SCALOSS_FN void stream_pieces(T* p, Vector v) {
    constexpr int kPiece = 16 / sizeof(T);
    for (int i = 0; i < W; i += kPiece) {
      typename VectorOf<T, kPiece>::type piece;
      memcpy(&piece, reinterpret_cast<const T*>(&v) + i, sizeof piece);
      vector_stream(p + i, piece);
    }
  }

  template <int D>
  static SCALOSS_FN Row<N, D> load_rows(const T* p) {
    if constexpr (D == 2) {
      return transpose_rows(p);
    } else {
      // Rows of 6 numbers are rare and not worth separate shuffles, so they go through memory.
      T columns[2 * D][W];
      for (int i = 0; i < W; ++i) {
        for (int k = 0; k < 2 * D; ++k) columns[k][i] = p[2 * D * row_at(i) + k];
      }
      Row<N, D> row;
      for (int k = 0; k < 2 * D; ++k) row.at[k] = load_vector(columns[k]);
      return row;
    }
  }
  template <int D>
  static SCALOSS_FN void store_rows(T* p, const Row<N, D>& row, Stores stores) {
    if constexpr (D == 2) {
      transpose_back(p, row, stores);
    } else {
      T columns[2 * D][W];
      for (int k = 0; k < 2 * D; ++k) store_vector(columns[k], row.at[k].v);
      for (int i = 0; i < W; ++i) {
        for (int k = 0; k < 2 * D; ++k) p[2 * D * row_at(i) + k] = columns[k][i];
      }
    }
  }

  static SCALOSS_FN Row<N> transpose_rows(const T* p) {
    return transpose(load_vector(p), load_vector(p + W), load_vector(p + 2 * W), load_vector(p + 3 * W));
  }
  static SCALOSS_FN Row<N> transpose(Vector r0, Vector r1, Vector r2, Vector r3) {
    const Vector even0 = shuffle<Every<0>>(r0, r1), odd0 = shuffle<Every<1>>(r0, r1);
    const Vector even1 = shuffle<Every<0>>(r2, r3), odd1 = shuffle<Every<1>>(r2, r3);
    return {{shuffle<Every<0>>(even0, even1), shuffle<Every<0>>(odd0, odd1), shuffle<Every<1>>(even0, even1),
             shuffle<Every<1>>(odd0, odd1)}};
  }

  static SCALOSS_FN void transpose_back(T* p, const Row<N>& row, Stores stores) {
    const Vector x1 = row.at[0].v, y1 = row.at[1].v, x2 = row.at[2].v, y2 = row.at[3].v;
    const Vector even0 = shuffle<Zip<0>>(x1, x2), even1 = shuffle<Zip<1>>(x1, x2);
    const Vector odd0 = shuffle<Zip<0>>(y1, y2), odd1 = shuffle<Zip<1>>(y1, y2);
    store_vectors(p, stores, shuffle<Zip<0>>(even0, odd0), shuffle<Zip<1>>(even0, odd0), shuffle<Zip<0>>(even1, odd1),
                  shuffle<Zip<1>>(even1, odd1));
  }

  static SCALOSS_FN N load(const T* p) {
    const Vector v = load_vector(p);
    return shuffle<ByPosition>(v, v);
  }

  // The same for rows that do not lie one behind the other: address(i) is that of row i. Vectors are put together in
  // registers, because a load of what smaller stores have just written waits for all of them.
  template <class Address>
  static SCALOSS_FN N gather(Address address) {
    return gather(address, std::make_integer_sequence<int, W>());
  }
  template <class Address, int... p>
  static SCALOSS_FN N gather(Address address, std::integer_sequence<int, p...>) {
    return Vector{*address(row_at(p))...};
  }
  template <class Address>
  static SCALOSS_FN Row<N> gather_rows(Address address) {
    return transpose(gathered<0>(address), gathered<1>(address), gathered<2>(address), gathered<3>(address));
  }
  // Vector `block` of four that hold the rows one behind the other.
  template <int block, class Address>
  static SCALOSS_FN Vector gathered(Address address) {
    if constexpr (W < 4) {
      return load_vector(address(block * W / 4) + block * W % 4);
    } else {
      return joined<W>(address, block * W / 4);
    }
  }
  template <int width, class Address>
  static SCALOSS_FN auto joined(Address address, int row) {
    typename VectorOf<T, width>::type vector;
    if constexpr (width == 4) {
      memcpy(&vector, address(row), sizeof vector);
    } else {
      vector = join(joined<width / 2>(address, row), joined<width / 2>(address, row + width / 8),
                    std::make_integer_sequence<int, width>());
    }
    return vector;
  }
  template <class Half, int... i>
  static SCALOSS_FN auto join(Half a, Half b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, i...);
  }
  static SCALOSS_FN void store(T* p, N x, Stores stores) { store_vectors(p, stores, shuffle<ByRow>(x.v, x.v)); }

  // Adds to lanes[row] the value of x in that row.
  static SCALOSS_FN void add_to_lanes(double* lanes, N x) {
    add_half<0>(lanes, x, std::make_integer_sequence<int, W / 2>());
    add_half<W / 2>(lanes, x, std::make_integer_sequence<int, W / 2>());
  }
  template <int from, int... i>
  static SCALOSS_FN void add_half(double* lanes, N x, std::integer_sequence<int, i...>) {
    using Doubles = typename VectorOf<double, W / 2>::type;
    Doubles sum;
    memcpy(&sum, lanes + from, sizeof sum);
    sum += __builtin_convertvector(__builtin_shufflevector(x.v, x.v, position_of(from + i)...), Doubles);
    memcpy(lanes + from, &sum, sizeof sum);
  }

  using Count = typename N::Mask::Count;
  static SCALOSS_FN void count(Count& count, typename N::Mask mask) { N::Mask::add(count, mask); }
  static SCALOSS_FN int64_t total(Count count) { return N::Mask::total(count); }
};

}  // namespace scaloss
