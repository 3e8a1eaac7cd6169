// Losses that are not ratios: distances between the corners of two boxes, in the unit of the coordinates. The axes come
// in Axes::unit instead, so loss and gradient are divided by that unit.
#pragma once

#include "elementary.h"
#include "terms.h"

namespace scaloss {

// Sum over the corner coordinates of d^2 / (2 beta), or |d| - beta / 2 where |d| is at least beta (Girshick, Fast
// R-CNN, ICCV 2015). This is not a ratio, so loss and gradient are divided by the unit.
template <class N>
SCALOSS_FN PairTerms<N, 2> smooth_absolute_differences(const Axes<N, 2>& axes, N beta) {
  const N inverse_unit = N(1) / axes.unit, half(0.5f);
  PairTerms<N, 2> terms = constant_terms<N, 2>(N(0));
  for (int k = 0; k < 2; ++k) {
    const auto add = [&](N difference, N& gradient) {
      const N d = difference * inverse_unit, size = absolute(d);
      const MaskOf<N> is_small = size < beta;
      const N ratio = d / beta;
      const N sign = select(d > N(0), N(1), select(d < N(0), N(-1), N(0)));
      terms.loss = terms.loss + select(is_small, (half * d) * ratio, size - half * beta);
      gradient = select(is_small, ratio, sign) * inverse_unit;
    };
    add(axes.axis[k].d1, terms.first[k]);
    add(axes.axis[k].d2, terms.second[k]);
  }
  return terms;
}

// 1 - exp(-W/C), where W is the 2-Wasserstein distance of the boxes as Gaussians whose deviations are the half sides
// (NWD: Wang, Xu, Yang, Yu: A Normalized Gaussian Wasserstein Distance for Tiny Object Detection, 2021). W^2 = rho^2 +
// ((w - W)^2 + (h - H)^2)/4 is half the sum of the squared corner distances, so W is a length over all four
// differences.
template <class N>
SCALOSS_FN PairTerms<N, 2> gaussian_distance(const Axes<N, 2>& axes, N constant) {
  const Axis<N>&x = axes.axis[0], &y = axes.axis[1];
  const N differences[4] = {x.d1, y.d1, x.d2, y.d2};
  const Length<N, 4> length = length_of(differences);
  const N inverse_unit = N(1) / axes.unit, factor = N(StorageOf<N>(0.70710678118654752440)) / constant;
  const N distance = ((length.scaled * factor) * inverse_unit) * length.scale.down;
  const Exp<N> decay = exp_of(N(0) - distance);
  PairTerms<N, 2> terms = constant_terms<N, 2>(N(0) - decay.minus_one);
  const N slope = (decay.value * factor) * inverse_unit;
  for (int k = 0; k < 2; ++k) {
    terms.first[k] = slope * length.direction[k];
    terms.second[k] = slope * length.direction[2 + k];
  }
  return terms;
}

}  // namespace scaloss
