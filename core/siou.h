// Distance and shape cost of SIoU (Gevorgyan: SIoU Loss: More Powerful Learning for Bounding Box Regression, 2022).
#pragma once

#include "elementary.h"
#include "terms.h"

namespace scaloss {

// exp(x) where x is a cost, which is from -2 to 0 for regular pairs.
template <class N>
SCALOSS_FN Exp<N> exp_of_cost(N x) {
  return NumberOf<N>::kRegular ? exp_of_moderate(x) : exp_of(x);
}

// Half of the sum over both axes of 1 - exp(-gamma (offset / enclosing)^2), where gamma is 2 minus the angle cost. The
// angle cost is 2 |dx dy| / rho^2, which equals the paper's 1 - 2 sin^2(arcsin(|dy| / rho) - pi/4) and needs no arcsin.
template <class N>
SCALOSS_FN PairTerms<N, 2> siou_distance(const Axes<N, 2>& axes) {
  const N offsets[2] = {axes.axis[0].offset, axes.axis[1].offset};
  const Length<N, 2> distance = length_of(offsets);
  const N cosine = absolute(distance.direction[0]), sine = absolute(distance.direction[1]);
  const N gamma = N(2) - N(2) * (cosine * sine);
  PairTerms<N, 2> terms;
  N slope[2];         // d loss / d offset with the angle held
  N by_angle = N(0);  // d loss / d angle cost, over the distance
  for (int k = 0; k < 2; ++k) {
    const N up = axes.scale(axes.axis[k].size());
    const N inverse = reciprocal_of_extent(axes.axis[k].enclosing * up);
    const N ratio = (offsets[k] * up) * inverse;
    const Exp<N> decay = exp_of_cost(N(0) - gamma * (ratio * ratio));
    const N half_cost = N(-0.5f) * decay.minus_one;
    terms.loss = k == 0 ? half_cost : terms.loss + half_cost;
    const N steepness = decay.value * grow(ratio * inverse, up);
    slope[k] = gamma * steepness;
    terms.edge[k] = edge_gradient(slope[k] * ratio, N(0));
    by_angle = by_angle - steepness * distance.direction[k] * N(0.5f);
  }
  for (int k = 0; k < 2; ++k) {
    // The angle cost changes with an offset by 2 |sine| (sine^2 - cosine^2) / rho, times the sign of the offset.
    const N along = k == 0 ? cosine : sine, across = k == 0 ? sine : cosine;
    const N turn = N(2) * (across * ((across - along) * (across + along)));
    const N sign = select(offsets[k] > N(0), N(1), select(offsets[k] < N(0), N(-1), N(0)));
    terms.first[k] = terms.second[k] = N(0.5f) * (slope[k] + sign * (by_angle * turn));
  }
  return terms;
}

// Half of the sum over both axes of (1 - exp(-|w - W| / max(|w|, |W|)))^4.
template <class N>
SCALOSS_FN PairTerms<N, 2> siou_shape(const Axes<N, 2>& axes) {
  PairTerms<N, 2> terms = constant_terms<N, 2>(N(0));
  for (int k = 0; k < 2; ++k) {
    const Axis<N>& axis = axes.axis[k];
    const N pred = absolute(axis.pred), target = absolute(axis.target);
    const N longer = larger(pred, target), up = axes.scale(longer);
    const N inverse = reciprocal_of_extent(longer * up);
    const Exp<N> decay = exp_of_cost(N(0) - (absolute(axis.growth_beside_sides()) * up) * inverse);
    const N cost = N(0) - decay.minus_one, cube = (cost * cost) * cost;
    terms.loss = terms.loss + (N(0.5f) * cube) * cost;
    // |w - W| / |w| changes with w by W / w^2, and |w - W| / |W| by -1 / W.
    const N signed_inverse = select(axis.target < N(0), N(0) - inverse, inverse);
    const N change = select(pred > target, ((axis.target * up) * inverse) * inverse,
                            select(pred < target, N(0) - signed_inverse, N(0)));
    const N slope = grow((N(2) * (cube * decay.value)) * change, up);
    terms.first[k] = N(0) - slope;
    terms.second[k] = slope;
  }
  return terms;
}

}  // namespace scaloss
