// The terms that the losses of the IoU family add to 1 - IoU. Distances between centres are computed from sums of the
// coordinates together with their rounding errors, so they keep their digits for boxes around nearly the same point.
#pragma once

#include "elementary.h"
#include "iou.h"
#include "terms.h"

namespace scaloss {

// (C - U)/C, the part of the enclosing box that neither box covers (GIoU: Rezatofighi et al., CVPR 2019).
template <class N>
SCALOSS_FN PairTerms<N, 2> enclosing_gap(const Extents<N>& e) {
  const Extent<N>&x = e.axis[0], &y = e.axis[1];
  const AreaDivisor<N> by_enclosing = divisor_of(e, x.enclosing * y.enclosing + e.area_epsilon);
  const auto over_enclosing = [&](N value) { return over_extent(value * by_enclosing.scale, by_enclosing.inverse); };
  // C - U as a sum of positive areas: the corners that overlapping boxes leave free, or the area along the gap between
  // boxes that lie apart.
  const N corners = x.pred_excess * y.target_excess + x.target_excess * y.pred_excess;
  const N apart_x = (x.pred * y.target_excess + x.target * y.pred_excess) - x.overlap * y.enclosing;
  const N apart_y = (y.pred * x.target_excess + y.target * x.pred_excess) - y.overlap * x.enclosing;
  const N apart = select(x.overlap > N(0), apart_y, apart_x);
  PairTerms<N, 2> terms;
  terms.loss = over_enclosing(select(e.overlapping, corners, apart));
  for (int k = 0; k < 2; ++k) {
    const Extent<N>&axis = e.axis[k], &other = e.axis[1 - k];
    // The term is 1 - U/C. An outer edge changes both, by h/C - hmax U/C^2 = hmax (h wmax - U)/C^2. An inner edge
    // changes only the union, by (h - hmin)/C, or by h/C where there is no overlap to lose.
    const N rest = select(e.overlapping, axis.target_excess * other.pred_excess - other.target_excess * axis.target,
                          other.pred * axis.target_excess - axis.target * other.target);
    const N outer = over_enclosing(over_enclosing((other.enclosing * rest) - e.area_epsilon * other.target_excess));
    const N inner = over_enclosing(select(e.overlapping, other.pred_excess, other.pred));
    terms.edge[k] = edge_gradient(grow(outer, axis.up), grow(inner, axis.up));
    terms.first[k] = terms.second[k] = N(0);
  }
  return terms;
}

// rho^2 / c^2 (DIoU: Zheng et al., AAAI 2020). With epsilon, rho^2 / (c^2 + epsilon).
template <class N>
SCALOSS_FN PairTerms<N, 2> centre_distance_squared(const Axes<N, 2>& axes, N epsilon) {
  const Axis<N>&x = axes.axis[0], &y = axes.axis[1];
  const N up = axes.scale(larger(x.size(), y.size()));
  const N width = x.enclosing * up, height = y.enclosing * up;
  const N diagonal = (width * width + height * height) + area_epsilon(axes, epsilon, up, up);
  const N inverse = reciprocal_of_extent(diagonal);
  const N dx = x.offset * up, dy = y.offset * up;
  PairTerms<N, 2> terms;
  terms.loss = (dx * dx + dy * dy) * inverse;
  const N outer = (terms.loss * inverse) * N(2);
  const N sides[2] = {width, height}, offsets[2] = {dx, dy};
  for (int k = 0; k < 2; ++k) {
    terms.edge[k] = edge_gradient(grow(sides[k] * outer, up), N(0));
    terms.first[k] = terms.second[k] = grow(offsets[k] * inverse, up);
  }
  return terms;
}

// rho / c.
template <class N>
SCALOSS_FN PairTerms<N, 2> centre_distance(const Axes<N, 2>& axes) {
  const N offsets[2] = {axes.axis[0].offset, axes.axis[1].offset};
  const N sides[2] = {axes.axis[0].enclosing, axes.axis[1].enclosing};
  const Length<N, 2> distance = length_of(offsets), diagonal = length_of(sides);
  const N up = diagonal.scale.up;
  PairTerms<N, 2> terms;
  terms.loss = over_extent(distance.scaled * (distance.scale.down * up), diagonal.inverse);
  for (int k = 0; k < 2; ++k) {
    terms.edge[k] = edge_gradient(grow((terms.loss * diagonal.direction[k]) * diagonal.inverse, up), N(0));
    terms.first[k] = terms.second[k] = grow((N(0.5f) * distance.direction[k]) * diagonal.inverse, up);
  }
  return terms;
}

// The sides of a box in a common unit, with signs such that height is not negative. So the vector (height, width) is in
// the right half plane and has the angle atan(width / height).
template <class N>
struct Sides {
  N width, height;
  N sign;            // -1 where the signs were changed
  N inverse_square;  // 1 / (width^2 + height^2), 0 for a point
  N up;
};
template <class N>
SCALOSS_FN Sides<N> sides_of(const Axes<N, 2>& axes, N width, N height) {
  if (NumberOf<N>::kRegular) return {width, height, N(1), N(1) / (width * width + height * height), N(1)};
  const N size = larger(absolute(width), absolute(height)), up = axes.free_scale(size);
  const N sign = select(height < N(0), N(-1), N(1));
  const N w = width * (sign * up), h = height * (sign * up);
  // atan(0 / 0) counts as 0
  return {w, select(size == N(0), N(1), h), sign, reciprocal_or_zero(w * w + h * h), up};
}

// a v (CIoU: Zheng et al., AAAI 2020): v = 4/pi^2 (atan(W/H) - atan(w/h))^2, and a = v / (1 - IoU + v), which is
// constant in the gradient. The difference of the two angles is computed as one angle, the one between (H, W) and (h,
// w).
template <bool any_option, class N>
SCALOSS_FN PairTerms<N, 2> aspect_ratio(const Axes<N, 2>& axes, const IouTerm<N>& iou,
                                        const LossParams<StorageOf<N>>& params) {
  const Axis<N>&x = axes.axis[0], &y = axes.axis[1];
  const Sides<N> pred = sides_of(axes, x.pred, y.pred), target = sides_of(axes, x.target, y.target);
  // W h - H w equals W (h - H) - H (w - W). For boxes that are alike, that form has smaller terms and so a smaller
  // error.
  const N growth_w = x.growth_beside_sides() * pred.up, growth_h = y.growth_beside_sides() * pred.up;
  const N cross = target.width * pred.height - target.height * pred.width;
  const N cross_of_growth = target.width * growth_h - target.height * growth_w;
  MaskOf<N> alike = absolute(target.width * growth_h) + absolute(target.height * growth_w) <
                    target.width * pred.height + target.height * pred.width;
  if (!NumberOf<N>::kRegular) {
    alike = alike & (x.pred > N(0)) & (x.target > N(0)) & (y.pred > N(0)) & (y.target > N(0));
  }
  const N dot = target.height * pred.height + target.width * pred.width;
  const N angle = angle_of(select(alike, cross_of_growth, cross), dot);
  const N v = N(StorageOf<N>(0.40528473456935108578)) * (angle * angle);
  const N denominator = (iou.terms.loss + v) + N(params.epsilon);
  const N factor = select(denominator == N(0), N(0), v / denominator);
  // A wider prediction has a larger atan(w/h).
  const N slope = (N(StorageOf<N>(0.81056946913870217155)) * angle) * pred.inverse_square;
  const N sign = pred.sign * factor;
  const N by_width = sign * grow(slope * pred.height, pred.up), by_height = sign * grow(slope * pred.width, pred.up);
  PairTerms<N, 2> terms = constant_terms<N, 2>(factor * v);
  terms.first[0] = by_width;
  terms.second[0] = N(0) - by_width;
  terms.first[1] = N(0) - by_height;
  terms.second[1] = by_height;
  if (!any_option || params.detach_alpha) return terms;
  // d(a v) = a (2 - a) dv - a^2 d(1 - IoU)
  return add_scaled(with_loss(terms.loss, N(2) - factor, terms), N(0) - factor * factor,
                    with_loss(N(0), N(1), iou.terms));
}

// (w - W)^2 / wmax^2 plus the same for the heights (EIoU: Zhang et al., Focal and Efficient IOU Loss, 2021).
template <class N>
SCALOSS_FN PairTerms<N, 2> side_differences_squared(const Axes<N, 2>& axes) {
  PairTerms<N, 2> terms;
  for (int k = 0; k < 2; ++k) {
    const Axis<N>& axis = axes.axis[k];
    const N up = axes.scale(axis.size());
    const N inverse = reciprocal_of_extent(axis.enclosing * up);
    const N ratio = (axis.growth() * up) * inverse;
    terms.loss = k == 0 ? ratio * ratio : terms.loss + ratio * ratio;
    terms.edge[k] = edge_gradient(grow((N(2) * (ratio * ratio)) * inverse, up), N(0));
    terms.second[k] = grow((N(2) * ratio) * inverse, up);
    terms.first[k] = N(0) - terms.second[k];
  }
  return terms;
}

// (n1^2 + n2^2) / squared diagonal of the image (MPDIoU: Ma, Xu 2023).
template <class N>
SCALOSS_FN PairTerms<N, 2> corner_distances_squared(const Axes<N, 2>& axes, N image_scale) {
  const N inverse_unit = N(1) / axes.unit;
  PairTerms<N, 2> terms = constant_terms<N, 2>(N(0));
  for (int k = 0; k < 2; ++k) {
    const N first = (axes.axis[k].d1 * image_scale) * inverse_unit;
    const N second = (axes.axis[k].d2 * image_scale) * inverse_unit;
    terms.loss = terms.loss + (first * first + second * second);
    terms.first[k] = ((N(2) * first) * image_scale) * inverse_unit;
    terms.second[k] = ((N(2) * second) * image_scale) * inverse_unit;
  }
  return terms;
}

}  // namespace scaloss
