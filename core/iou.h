// The IoU of a pair in two dimensions, 1 - IoU with its gradient, and the options of the IoU family that modify it.
#pragma once

#include "elementary.h"
#include "terms.h"

namespace scaloss {

// One axis, scaled by its own unit. Areas are products of two such axes, and neither overflow nor vanish.
template <class N>
struct Extent {
  N pred, target;   // sides
  N overlap;        // paper: wmin; negative across a gap
  N enclosing;      // paper: wmax
  N pred_excess;    // length of the prediction outside the target, and the reverse;
  N target_excess;  // pred = overlap + pred_excess, enclosing = pred + target_excess
  N up;
};

template <class N>
SCALOSS_FN Extent<N> extent_of(const Axis<N>& axis, N up) {
  // |d| + d and |d| - d are 2 |d| or 0, without rounding.
  const N a1 = absolute(axis.d1), a2 = absolute(axis.d2), half = N(0.5f) * up;
  return {axis.pred * up,
          axis.target * up,
          axis.overlap * up,
          axis.enclosing * up,
          ((a1 - axis.d1) + (a2 + axis.d2)) * half,
          ((a1 + axis.d1) + (a2 - axis.d2)) * half,
          up};
}

template <class N>
struct Extents {
  Extent<N> axis[2];
  MaskOf<N> overlapping;  // with an intersection that is not empty
  N area_epsilon;         // epsilon in the unit of areas
  MaskOf<N> regular;      // box.h
};

// epsilon in the unit of products of two axes. If it is not 0, pairs are never enlarged, so it stays finite.
template <class N>
SCALOSS_FN N area_epsilon(const Axes<N, 2>& axes, N epsilon, N up_a, N up_b) {
  return (((epsilon * axes.unit) * up_a) * axes.unit) * up_b;
}

template <class N>
SCALOSS_FN Extents<N> extents_of(const Axes<N, 2>& axes, N epsilon) {
  Extents<N> e;
  for (int k = 0; k < 2; ++k) e.axis[k] = extent_of(axes.axis[k], axes.scale(axes.axis[k].size()));
  e.overlapping = (e.axis[0].overlap > N(0)) & (e.axis[1].overlap > N(0));
  e.area_epsilon = area_epsilon(axes, epsilon, e.axis[0].up, e.axis[1].up);
  e.regular = axes.regular;
  return e;
}

// Division by an area: x / area is (x * scale) * inverse. An area of two scaled axes can still be too small for a
// reciprocal, where a narrow box crosses a low one. Areas of regular pairs are never too small.
template <class N>
struct AreaDivisor {
  N scale, inverse;
};
template <class N>
SCALOSS_FN AreaDivisor<N> divisor_of(const Extents<N>& e, N area) {
  if (NumberOf<N>::kRegular) return {N(1), N(1) / area};
  const N up = select(e.regular, N(1), scale_of(absolute(area)).up);
  return {up, reciprocal_or_zero(area * up)};
}

// 1 - IoU with its gradient, and IoU.
template <class N>
struct IouTerm {
  PairTerms<N, 2> terms;
  N iou;
};

// 1 - I/U as S/(I + S), where S is the area of the symmetric difference of the boxes, so that nothing cancels. With
// epsilon, IoU is I/(U + epsilon).
template <class N>
SCALOSS_FN IouTerm<N> iou_term(const Extents<N>& e) {
  const Extent<N>&x = e.axis[0], &y = e.axis[1];
  const N zero(0);
  const N intersection = select(e.overlapping, x.overlap * y.overlap, zero);
  const N difference =
      (x.pred_excess * y.pred + x.target_excess * y.target) + x.overlap * (y.pred_excess + y.target_excess);
  const AreaDivisor<N> by_union = divisor_of(e, (intersection + difference) + e.area_epsilon);
  const N inverse = select(e.overlapping, by_union.inverse, zero);
  const auto over_union = [&](N value) { return over_extent(value * by_union.scale, inverse); };
  IouTerm<N> term;
  term.iou = over_union(intersection);
  term.terms.loss = select(e.overlapping, over_union(difference + e.area_epsilon), N(1));
  const N target_area = x.target * y.target;
  for (int k = 0; k < 2; ++k) {
    const Extent<N>&axis = e.axis[k], &other = e.axis[1 - k];
    // Moving an outer edge out changes only the union, by the length of the other side: -I h/U^2. An inner edge changes
    // the intersection too: (hmin (U + I) - I h)/U^2, where U + I = w h + W H and I = wmin hmin.
    const N outer = zero - grow(term.iou * over_union(other.pred), axis.up);
    const N rest = (target_area + axis.pred_excess * other.pred) + e.area_epsilon;
    const N inner = grow(over_union(other.overlap) * over_union(rest), axis.up);
    // At a tie the edge gets half of both. In this form their sum cancels less, because one of the two excesses along
    // the axis is 0.
    const N excess = axis.pred_excess * other.pred + axis.target_excess * other.target;
    const N across = axis.overlap * (other.target_excess - other.pred_excess);
    const N tie = over_union(other.overlap) * over_union((excess + across) + e.area_epsilon);
    term.terms.edge[k] = {outer, inner, N(0.5f) * grow(tie, axis.up)};
    term.terms.first[k] = term.terms.second[k] = zero;
  }
  return term;
}

// The shares that an inner edge takes from the edge on its side and from the opposite edge. They are a quarter of the
// true ones: the ratio is up to 4, the IoU does not depend on a common factor, and so nothing overflows.
template <class N>
struct InnerShares {
  N same, opposite;
  SCALOSS_FN explicit InnerShares(N ratio)
      : same(N(0.125f) + N(0.125f) * ratio), opposite(N(0.125f) - N(0.125f) * ratio) {}
};

// Both boxes scaled by a ratio about their own centres (Inner-IoU: Zhang, Xu, Zhang 2023). The axis is computed from
// the differences of the original boxes.
template <class N>
SCALOSS_FN Axis<N> inner_axis(const Axis<N>& axis, N ratio) {
  const InnerShares<N> share(ratio);
  Axis<N> inner = axis;
  inner.d1 = share.same * axis.d1 + share.opposite * axis.d2;
  inner.d2 = share.opposite * axis.d1 + share.same * axis.d2;
  inner.pred = (N(0.25f) * ratio) * axis.pred;
  inner.target = (N(0.25f) * ratio) * axis.target;
  inner.enclosing = N(0.5f) * ((inner.pred + inner.target) + (absolute(inner.d1) + absolute(inner.d2)));
  // The overlap is the least of four lengths. A side among them keeps its digits next to a much longer one.
  const N shorter = share.opposite * axis.pred + share.opposite * axis.target;
  inner.overlap = smaller(smaller(inner.pred, inner.target),
                          smaller(N(0.25f) * axis.reach - shorter, N(0.25f) * axis.target_reach - shorter));
  inner.first_outer = inner.d1 < N(0);
  inner.first_tie = inner.d1 == N(0);
  inner.second_outer = inner.d2 > N(0);
  inner.second_tie = inner.d2 == N(0);
  return inner;
}

template <class N>
SCALOSS_FN IouTerm<N> inner_iou_term(const Axes<N, 2>& axes, N ratio) {
  Axes<N, 2> inner = axes;
  inner.regular = MaskOf<N>(false);  // the ratio may leave little of the boxes
  for (int k = 0; k < 2; ++k) inner.axis[k] = inner_axis(axes.axis[k], ratio);
  IouTerm<N> term = iou_term(extents_of(inner, N(0)));
  // Each inner edge follows both edges of its box.
  const Box<N> gradient = pred_gradient(inner, term.terms);
  const InnerShares<N> share(ratio);
  term.terms = constant_terms<N, 2>(term.terms.loss);
  for (int k = 0; k < 2; ++k) {
    term.terms.first[k] = share.same * gradient.first[k] + share.opposite * gradient.second[k];
    term.terms.second[k] = share.opposite * gradient.first[k] + share.same * gradient.second[k];
  }
  return term;
}

// Applies the options to the term 1 - IoU.
template <class N>
SCALOSS_FN PairTerms<N, 2> shaped_iou(const Axes<N, 2>& axes, const IouTerm<N>& plain,
                                      const LossParams<StorageOf<N>>& params) {
  const IouTerm<N> term = params.inner == 1 ? plain : inner_iou_term(axes, N(params.inner));
  const N iou = term.iou, below_one = term.terms.loss;
  const N inverse = reciprocal_or_zero(iou);
  switch (params.mode) {
    case Mode::square:  // 1 - IoU^2
      return with_loss(below_one * (N(1) + iou), N(2) * iou, term.terms);
    case Mode::log: {  // -ln(max(IoU, floor))
      const N floor(params.log_floor);
      const MaskOf<N> above = iou > floor;
      const N log = log_of(select(above, iou, floor), select(above, below_one, N(1) - floor)).value();
      return with_loss(N(0) - log, select(above, inverse, N(0)), term.terms);
    }
    case Mode::linear:
      break;
  }
  if (params.power == 1) return term.terms;
  // 1 - IoU^p (alpha-IoU: He et al., NeurIPS 2021)
  const MaskOf<N> positive = iou > N(0);
  const N power(params.power);
  const Exp<N> raised = power_of(select(positive, iou, N(1)), below_one, power);
  return with_loss(select(positive, N(0) - raised.minus_one, N(1)),
                   select(positive, power * (raised.value * inverse), N(0)), term.terms);
}

// t^p for t > 0, otherwise 0; and its gradient.
template <class N>
SCALOSS_FN PairTerms<N, 2> raised_term(const PairTerms<N, 2>& term, N power) {
  const MaskOf<N> positive = term.loss > N(0);
  const N base = larger(term.loss, N(Ieee<StorageOf<N>>::kSmallestNormal));
  const N raised = power_of(base, N(1) - base, power).value;
  return with_loss(select(positive, raised, N(0)), select(positive, power * (raised / base), N(0)), term);
}

// The whole loss times IoU^exponent (Focal-EIoU: Zhang et al. 2021). The factor is held constant in the gradient,
// because its own gradient would reward a smaller overlap.
template <class N>
SCALOSS_FN PairTerms<N, 2> focused(const PairTerms<N, 2>& terms, const IouTerm<N>& iou, N exponent) {
  const MaskOf<N> positive = iou.iou > N(0);
  const N power = power_of(select(positive, iou.iou, N(1)), iou.terms.loss, exponent).value;
  const N factor = select(positive, power, N(0));
  // 0 times the infinite loss of boxes far apart is 0.
  return with_loss(select(factor == N(0), N(0), factor * terms.loss), factor, terms);
}

}  // namespace scaloss
