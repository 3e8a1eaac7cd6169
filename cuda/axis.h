// One axis of a pair of boxes: everything the losses need of it, without cancellation.
#pragma once

#include "number.h"

namespace scaloss {

// A box of D axes, by its first and second corner; also a gradient for one. In memory: x1, y1, x2, y2.
template <class N, int D = 2>
struct Box {
  N first[D];
  N second[D];
};

// The unit in which a pair is computed, a power of two: coordinates are multiplied by it, and gradients at the end. The
// losses are ratios and do not notice. A quarter for huge coordinates, so that their differences cannot overflow and
// scale_of() accepts them; a large number for pairs near 0 as a whole, so that denormal boxes keep their digits.
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
SCALOSS_FN N unit_of(const Box<N, D>& pred, const Box<N, D>& target) {
  using U = UnitOf<StorageOf<N>>;
  N size(0);
  for (int k = 0; k < D; ++k) {
    size = larger(size, larger(absolute(pred.first[k]), absolute(pred.second[k])));
    size = larger(size, larger(absolute(target.first[k]), absolute(target.second[k])));
  }
  return select(size >= N(U::kHuge), N(0.25f), select(size < N(U::kTiny), N(U::kForTiny), N(1)));
}

template <class N>
struct Axis {
  MaskOf<N> first_outer;   // the prediction's first edge lies on the enclosing box, the target's inside
  MaskOf<N> first_tie;     // the two first edges coincide
  MaskOf<N> second_outer;  // likewise for the second edges
  MaskOf<N> second_tie;
  MaskOf<N> valid;  // all four coordinates finite, both boxes ordered
  N d1, d2;         // prediction - target, first and second edge
  N enclosing;      // paper: wmax, hmax
  N overlap;        // paper: wmin, hmin; negative for boxes apart
  N pred, target;   // sides
};

template <class N>
SCALOSS_FN Axis<N> make_axis(N a1, N a2, N b1, N b2) {
  Axis<N> axis;
  axis.first_outer = a1 < b1;
  axis.first_tie = a1 == b1;
  axis.second_outer = a2 > b2;
  axis.second_tie = a2 == b2;
  const N low = smaller(a1, b1), high = larger(a2, b2);
  // NaN fails the order of its box; an infinity of an ordered box is the enclosing edge.
  const N limit(Ieee<StorageOf<N>>::kLargest);
  axis.valid =
      NumberOf<N>::kOrdinary ? MaskOf<N>(true) : MaskOf<N>((a1 <= a2) & (b1 <= b2) & (low >= -limit) & (high <= limit));
  axis.d1 = a1 - b1;
  axis.d2 = a2 - b2;
  axis.enclosing = high - low;
  axis.overlap = smaller(a2, b2) - larger(a1, b1);
  axis.pred = a2 - a1;
  axis.target = b2 - b1;
  return axis;
}

template <class N, int D>
struct Axes {
  Axis<N> axis[D];
  N unit;  // 1 for ordinary numbers
};

template <class N, int D>
SCALOSS_FN Axes<N, D> make_axes(const Box<N, D>& pred, const Box<N, D>& target) {
  Axes<N, D> axes;
  axes.unit = NumberOf<N>::kOrdinary ? N(1) : unit_of(pred, target);
  const auto scaled = [&](N x) { return NumberOf<N>::kOrdinary ? x : x * axes.unit; };
  for (int k = 0; k < D; ++k) {
    axes.axis[k] =
        make_axis(scaled(pred.first[k]), scaled(pred.second[k]), scaled(target.first[k]), scaled(target.second[k]));
  }
  return axes;
}

template <class N, int D>
SCALOSS_FN MaskOf<N> is_valid(const Axes<N, D>& axes) {
  MaskOf<N> valid = axes.axis[0].valid;
  for (int k = 1; k < D; ++k) valid = valid & axes.axis[k].valid;
  return valid;
}

// Intersection over union, 0 for an empty union. Each axis is scaled by its own power of two, under which the ratio
// does not change, so that areas neither overflow nor vanish.
template <class N, int D>
SCALOSS_FN N plain_iou(const Axes<N, D>& axes) {
  N intersection(1), pred(1), target(1);
  for (int k = 0; k < D; ++k) {
    const Axis<N>& axis = axes.axis[k];
    const N up = scale_of(absolute(axis.enclosing)).up;
    intersection = intersection * (larger(axis.overlap, N(0)) * up);
    pred = pred * (axis.pred * up);
    target = target * (axis.target * up);
  }
  const N both = pred + target - intersection;
  return select(both == N(0), N(0), intersection / both);
}

}  // namespace scaloss
