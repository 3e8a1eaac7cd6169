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

// Lengths are in quarters of the coordinates' unit: differences of two finite coordinates then never overflow, and
// scale_of() accepts them. The losses are ratios and do not notice; gradients are multiplied by unit_of() at the end.
template <class N>
SCALOSS_FN N unit_of() {
  return N(NumberOf<N>::kOrdinary ? 1.0f : 0.25f);
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
SCALOSS_FN Axis<N> make_axis(N pred1, N pred2, N target1, N target2) {
  const N unit = unit_of<N>(), limit = N(Ieee<StorageOf<N>>::kLargest) * unit;
  const N a1 = pred1 * unit, a2 = pred2 * unit, b1 = target1 * unit, b2 = target2 * unit;
  Axis<N> axis;
  axis.first_outer = a1 < b1;
  axis.first_tie = a1 == b1;
  axis.second_outer = a2 > b2;
  axis.second_tie = a2 == b2;
  const N low = smaller(a1, b1), high = larger(a2, b2);
  // NaN fails the order of its box; an infinity of an ordered box is the enclosing edge.
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
};

template <class N, int D>
SCALOSS_FN Axes<N, D> make_axes(const Box<N, D>& pred, const Box<N, D>& target) {
  Axes<N, D> axes;
  for (int k = 0; k < D; ++k) {
    axes.axis[k] = make_axis(pred.first[k], pred.second[k], target.first[k], target.second[k]);
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
