// The two parts of SCALoss: side overlap and corner distance, over any number of axes.
//
// Zheng, Zhao, Liu, Liu, Cai: SCALoss: Side and Corner Aligned Loss for Bounding Box Regression, AAAI 2022.
#pragma once

#include "terms.h"

namespace scaloss {

// Sum over the axes of 1 - wmin/wmax (Eq. 1 and 2), computed as (|d1| + |d2|)/wmax.
template <class N, int D>
SCALOSS_FN PairTerms<N, D> side_overlap(const Axes<N, D>& axes) {
  PairTerms<N, D> terms;
  for (int k = 0; k < D; ++k) {
    const Axis<N>& axis = axes.axis[k];
    const N up = scale_of(axis.size()).up;
    const N inverse = reciprocal_or_zero(axis.enclosing * up);
    const N loss = ((absolute(axis.d1) + absolute(axis.d2)) * up) * inverse;
    const N ratio = (axis.overlap * up) * inverse;
    terms.loss = k == 0 ? loss : terms.loss + loss;
    terms.edge[k] = {N(0) - grow(ratio * inverse, up), grow(inverse, up), grow((N(0.5f) * loss) * inverse, up)};
    terms.first[k] = terms.second[k] = N(0);
  }
  return terms;
}

// (|p1 - g1| + |p2 - g2|) / enclosing diagonal (Eq. 3). With epsilon it follows the authors' code, which adds epsilon
// to every difference, to the enclosing sides and to the diagonal.
template <class N, int D>
SCALOSS_FN PairTerms<N, D> corner_distance(const Axes<N, D>& axes, N epsilon) {
  const N shift = epsilon * axes.unit;  // 0 for ordinary numbers
  const auto shifted = [=](N x) { return NumberOf<N>::kOrdinary ? x : x + shift; };
  // Only the shift of the differences is not symmetric in the two boxes: with the boxes exchanged, they are
  // -(difference + shift).
  const auto shifted_difference = [=](N x) { return NumberOf<N>::kOrdinary ? x : x + axes.role * shift; };
  N first[D], second[D], enclosing[D];
  for (int k = 0; k < D; ++k) {
    first[k] = shifted_difference(axes.axis[k].d1);
    second[k] = shifted_difference(axes.axis[k].d2);
    enclosing[k] = shifted(axes.axis[k].enclosing);
  }
  const Length<N, D> first_length = length_of(first), second_length = length_of(second);
  const Length<N, D> diagonal = length_of(enclosing);
  const N up = diagonal.scale.up;
  const N inverse = NumberOf<N>::kOrdinary ? diagonal.inverse : reciprocal_or_zero(diagonal.scaled + shift * up);
  PairTerms<N, D> terms;
  const N lengths =
      first_length.scaled * (first_length.scale.down * up) + second_length.scaled * (second_length.scale.down * up);
  terms.loss = over_extent(lengths, inverse);
  for (int k = 0; k < D; ++k) {
    // Moving the outer edge out makes the enclosing side larger, and so the diagonal.
    const N outer = grow((terms.loss * diagonal.direction[k]) * inverse, up);
    terms.edge[k] = {outer, N(0), N(0.5f) * outer};
    terms.first[k] = grow(first_length.direction[k] * inverse, up);
    terms.second[k] = grow(second_length.direction[k] * inverse, up);
  }
  return terms;
}

}  // namespace scaloss
