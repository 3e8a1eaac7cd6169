// Ordinary pairs are regular pairs so far from underflow that scaling by powers of two changes no bit of any result.
// Nearly all boxes are ordinary: pixels or normalised coordinates, sides from 1e-6 to 1e6. A backend that tests for
// them may skip the scaling. The results are the same by construction, and tests compare the bits.
#pragma once

#include "box.h"

namespace scaloss {

// Let sides be at least 2^-s and coordinates at most 2^s (RegularRange), and let every difference that the losses form
// be either 0 or at least 2^-2s. Then the smallest intermediate result of a gradient, (corner distance) * (side /
// diagonal) / diagonal, is above 2^-(6s + 5), and every square of a ratio is above 2^-(6s + 2). Both are normal numbers
// for s = 20 and s = 160. This was worked out only for side overlap and corner distance.
template <class T>
constexpr T kOrdinaryDifference = RegularRange<T>::kSide * RegularRange<T>::kSide;

// The smallest difference of edges, over corner differences and overlaps. `of` maps each |difference| first.
template <class N, int D, class Map>
SCALOSS_FN N smallest_difference(const Box<N, D>& a, const Box<N, D>& b, Map of) {
  N smallest = N(RegularRange<StorageOf<N>>::kCoordinate);
  for (int k = 0; k < D; ++k) {
    const N overlap = smaller(a.second[k], b.second[k]) - larger(a.first[k], b.first[k]);
    smallest = smaller(smallest, of(absolute(a.first[k] - b.first[k])));
    smallest = smaller(smallest, of(absolute(a.second[k] - b.second[k])));
    smallest = smaller(smallest, of(absolute(overlap)));
  }
  return smallest;
}

// Replaces a tie, a difference of exactly 0, by the limit: it counts as ordinary, unlike a tiny difference.
template <class N>
SCALOSS_FN N tie_to_limit(N difference) {
  const N limit(kOrdinaryDifference<StorageOf<N>>);
  return select(difference == N(0), limit, difference);
}

// Whether a pair is in a range. An epsilon is added to differences and could bring them nearer to 0 than this test can
// see, so with an epsilon no pair counts as ordinary.
template <Range range, class T, int D>
SCALOSS_FN bool is_in(const Box<T, D>& pred, const Box<T, D>& target, T epsilon) {
  if (range == Range::any) return true;
  if (!is_regular(pred, target)) return false;
  if (range == Range::regular) return true;
  return epsilon == 0 &&
         smallest_difference(pred, target, [](T d) { return tie_to_limit(d); }) >= kOrdinaryDifference<T>;
}

}  // namespace scaloss
