// Boxes, and the range of numbers in which a pair of them is computed.
#pragma once

#include "number.h"

namespace scaloss {

// A box of D axes, given by its first and second corner. A gradient for a box has the same type. In memory the order is
// x1, y1, x2, y2.
template <class N, int D = 2>
struct Box {
  N first[D];
  N second[D];
};

// The unit in which a pair is computed. It is a power of two: coordinates are multiplied by it, and so are the
// gradients at the end. Losses that are ratios do not depend on it.
//
// The unit is a quarter for huge coordinates, so that their differences cannot overflow and scale_of() accepts them. It
// is a large number for pairs whose coordinates are all near 0, so that denormal boxes keep their digits. That happens
// only with enlarge_small: next to an epsilon small boxes must stay small, and some losses are not ratios.
template <class T>
struct UnitOf;
template <>
struct UnitOf<float> {
  static constexpr float kHuge = 0x1p125f, kTiny = 0x1p-60f, kForTiny = 0x1p64f;
};
template <>
struct UnitOf<double> {
  static constexpr double kHuge = 0x1p1021, kTiny = 0x1p-500, kForTiny = 0x1p512;
};

template <class N, int D>
SCALOSS_FN N unit_of(const Box<N, D>& pred, const Box<N, D>& target, bool enlarge_small) {
  using U = UnitOf<StorageOf<N>>;
  N size(0);
  for (int k = 0; k < D; ++k) {
    size = larger(size, larger(absolute(pred.first[k]), absolute(pred.second[k])));
    size = larger(size, larger(absolute(target.first[k]), absolute(target.second[k])));
  }
  const N for_tiny(enlarge_small ? U::kForTiny : StorageOf<N>(1));
  return select(size >= N(U::kHuge), N(0.25f), select(size < N(U::kTiny), for_tiny, N(1)));
}

// Regular pairs are finite and ordered, with sides of at least kSide and coordinates of at most kCoordinate. Areas of
// such boxes, and products of areas, neither overflow nor vanish without scaling. The areas of other pairs are computed
// from scaled sides. So whether a pair is regular is part of the definition of its result.
template <class T>
struct RegularRange;
template <>
struct RegularRange<float> {
  static constexpr float kCoordinate = 0x1p20f, kSide = 0x1p-20f;
};
template <>
struct RegularRange<double> {
  static constexpr double kCoordinate = 0x1p160, kSide = 0x1p-160;
};

template <class N, int D>
SCALOSS_FN MaskOf<N> is_regular(const Box<N, D>& a, const Box<N, D>& b) {
  using Limits = RegularRange<StorageOf<N>>;
  MaskOf<N> mask(true);
  for (int k = 0; k < D; ++k) {
    mask = mask & (a.second[k] - a.first[k] >= N(Limits::kSide)) & (b.second[k] - b.first[k] >= N(Limits::kSide)) &
           (smaller(a.first[k], b.first[k]) >= N(-Limits::kCoordinate)) &
           (larger(a.second[k], b.second[k]) <= N(Limits::kCoordinate));
  }
  return mask;
}

}  // namespace scaloss
