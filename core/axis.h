// One axis of a pair of boxes: everything the losses need of it, without cancellation.
#pragma once

#include "box.h"

namespace scaloss {

// (a + b) - (c + d), accurate to all but the last few bits even where the two sums nearly cancel: their rounding errors
// are added back (Knuth's TwoSum).
template <class N>
struct RoundedSum {
  N value;
  N error;
};
template <class N>
SCALOSS_FN RoundedSum<N> two_sum(N a, N b) {
  const N sum = a + b;
  const N b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}
template <class N>
SCALOSS_FN N difference_of_sums(N a, N b, N c, N d) {
  const RoundedSum<N> left = two_sum(a, b), right = two_sum(c, d);
  return (left.value - right.value) + (left.error - right.error);
}

template <class N>
struct Axis {
  MaskOf<N> first_outer;   // the prediction's first edge lies on the enclosing box, the target's inside
  MaskOf<N> first_tie;     // the two first edges coincide
  MaskOf<N> second_outer;  // the same for the second edges
  MaskOf<N> second_tie;
  MaskOf<N> finite;   // all four coordinates
  MaskOf<N> ordered;  // both boxes; for finite ones
  N d1, d2;           // prediction - target, first and second edge
  N enclosing;        // paper: wmax, hmax
  N overlap;          // paper: wmin, hmin; negative for boxes apart
  N pred, target;     // sides
  N offset;           // prediction - target, centres
  N reach;            // from the target's first edge to the prediction's second,
  N target_reach;     // and from the prediction's first edge to the target's second

  // Difference of the sides, pred - target, for formulas that also use the distances of the edges.
  SCALOSS_FN N growth() const { return d2 - d1; }
  // The same difference for formulas that use only the sides. Where boxes do not overlap, the distances of the edges
  // are longer than the sides, and their difference has lost digits.
  SCALOSS_FN N growth_beside_sides() const { return select(overlap > N(0), d2 - d1, pred - target); }
  // The size by which the axis is scaled. For ordered boxes it is the enclosing side. Where a box is inverted, the
  // enclosing side can be 0 although the edges lie apart.
  SCALOSS_FN N size() const { return larger(absolute(enclosing), larger(absolute(d1), absolute(d2))); }
};

// a1 and a2 are the edges of the prediction, b1 and b2 those of the target. The axis is filled in place, because
// compilers copy such structs badly.
template <class N>
SCALOSS_FN void fill_axis(Axis<N>& axis, N a1, N a2, N b1, N b2) {
  axis.first_outer = a1 < b1;
  axis.first_tie = a1 == b1;
  axis.second_outer = a2 > b2;
  axis.second_tie = a2 == b2;
  const N low = smaller(a1, b1), high = larger(a2, b2);
  // 0 times a NaN or an infinity is NaN.
  const N zeros = (a1 * N(0) + a2 * N(0)) + (b1 * N(0) + b2 * N(0));
  axis.finite = NumberOf<N>::kRegular ? MaskOf<N>(true) : zeros == N(0);
  axis.ordered = NumberOf<N>::kRegular ? MaskOf<N>(true) : MaskOf<N>((a1 <= a2) & (b1 <= b2));
  axis.d1 = a1 - b1;
  axis.d2 = a2 - b2;
  axis.enclosing = high - low;
  axis.overlap = smaller(a2, b2) - larger(a1, b1);
  axis.pred = a2 - a1;
  axis.target = b2 - b1;
  axis.reach = a2 - b1;
  axis.target_reach = b2 - a1;
  axis.offset = N(0.5f) * difference_of_sums(a1, a2, b1, b2);
}

template <class N, int D>
struct Axes {
  Axis<N> axis[D];
  MaskOf<N> regular;   // box.h
  N unit;              // box.h; 1 for regular pairs
  N role;              // 1, or -1 where prediction and target are exchanged
  bool enlarge_small;  // box.h

  // The power of two by which a pair multiplies values of this size before it forms products. It is 1 for regular
  // pairs.
  SCALOSS_FN N free_scale(N size) const {
    return NumberOf<N>::kRegular ? N(1) : select(regular, N(1), scale_of(absolute(size)).up);
  }
  // The same where an epsilon may be added to the products.
  SCALOSS_FN N scale(N size) const {
    const N up = free_scale(size);
    return enlarge_small ? up : smaller(up, N(1));
  }
};

template <class N, int D>
SCALOSS_FN Axes<N, D> make_axes(const Box<N, D>& pred, const Box<N, D>& target, bool exchanged, bool enlarge_small) {
  Axes<N, D> axes;
  axes.role = N(exchanged ? -1 : 1);
  axes.enlarge_small = enlarge_small;
  axes.regular = NumberOf<N>::kRegular ? MaskOf<N>(true) : is_regular(pred, target);
  axes.unit = NumberOf<N>::kRegular ? N(1) : unit_of(pred, target, enlarge_small);
  const auto scaled = [&](N x) { return NumberOf<N>::kRegular ? x : x * axes.unit; };
  for (int k = 0; k < D; ++k) {
    fill_axis(axes.axis[k], scaled(pred.first[k]), scaled(pred.second[k]), scaled(target.first[k]),
              scaled(target.second[k]));
  }
  return axes;
}

template <class N, int D>
SCALOSS_FN MaskOf<N> is_finite(const Axes<N, D>& axes) {
  MaskOf<N> finite = axes.axis[0].finite;
  for (int k = 1; k < D; ++k) finite = finite & axes.axis[k].finite;
  return finite;
}
template <class N, int D>
SCALOSS_FN MaskOf<N> is_ordered(const Axes<N, D>& axes) {
  MaskOf<N> ordered = axes.axis[0].ordered;
  for (int k = 1; k < D; ++k) ordered = ordered & axes.axis[k].ordered;
  return ordered;
}

// Intersection over union, 0 for an empty union. Each axis is scaled by a separate power of two, which does not change
// the ratio, so that areas neither overflow nor vanish.
template <class N, int D>
SCALOSS_FN N plain_iou(const Axes<N, D>& axes) {
  N intersection(1), pred(1), target(1);
  for (int k = 0; k < D; ++k) {
    const Axis<N>& axis = axes.axis[k];
    const N up = scale_of(axis.size()).up;
    intersection = intersection * (larger(axis.overlap, N(0)) * up);
    pred = pred * (axis.pred * up);
    target = target * (axis.target * up);
  }
  const N both = pred + target - intersection;
  return select(both == N(0), N(0), intersection / both);
}

}  // namespace scaloss
