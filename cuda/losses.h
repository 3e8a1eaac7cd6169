// The losses: value and gradient of one pair of boxes, for any number type. Tables at the end list them all.
//
// Zheng, Zhao, Liu, Liu, Cai: SCALoss: Side and Corner Aligned Loss for Bounding Box Regression, AAAI 2022.
// The forms below equal the paper's in real arithmetic but cancel nowhere, so a loss keeps its digits down to a perfect
// match, where loss and gradient are exactly 0. At a tie of min or max each argument takes half of the gradient; a norm
// has gradient 0 at 0; 0/0 of a flat or empty enclosing box counts as a match with gradient 0.
#pragma once

#include "axis.h"

namespace scaloss {

template <class N>
struct LossParams {
  N alpha;    // weight of the corner distance
  N epsilon;  // 0, or the 1e-7 of the authors' code, in the coordinates' unit
};

// d loss / d coordinates of both boxes.
template <class N, int D>
struct Gradients {
  Box<N, D> pred;
  Box<N, D> target;
};

// What a term adds to the gradient of the first edge of one axis, by where that edge lies; the second edge takes the
// opposite signs. Terms of this kind treat prediction and target alike.
template <class N>
struct EdgeGradient {
  N outer;  // on the enclosing box
  N inner;  // inside it
  N tie;    // on the enclosing box together with the other box's edge
};

template <class N>
SCALOSS_FN N at_first(const Axis<N>& axis, N outer, N inner, N tie) {
  return select(axis.first_outer, outer, select(axis.first_tie, tie, inner));
}
template <class N>
SCALOSS_FN N at_second(const Axis<N>& axis, N outer, N inner, N tie) {
  return select(axis.second_outer, outer, select(axis.second_tie, tie, inner));
}

// Gradient from an edge term and a term that depends on the corner differences alone: d1, d2 = d loss / d (pred -
// target). Subtracting from 0 rather than negating keeps -0 out of the results.
template <class N, int D>
SCALOSS_FN void set_axis(Gradients<N, D>& gradients, int k, const Axis<N>& axis, EdgeGradient<N> edge, N d1, N d2) {
  gradients.pred.first[k] = at_first(axis, edge.outer, edge.inner, edge.tie) + d1;
  gradients.pred.second[k] = d2 - at_second(axis, edge.outer, edge.inner, edge.tie);
  gradients.target.first[k] = at_first(axis, edge.inner, edge.outer, edge.tie) - d1;
  gradients.target.second[k] = (N(0) - at_second(axis, edge.inner, edge.outer, edge.tie)) - d2;
}

template <class N>
struct SideOverlapTerm {
  N loss;
  EdgeGradient<N> edge;
};

// 1 - wmin/wmax of one axis (Eq. 1 and 2) as (|d1| + |d2|)/wmax.
template <class N>
SCALOSS_FN SideOverlapTerm<N> side_overlap(const Axis<N>& axis) {
  const Scale<N> scale = scale_of(absolute(axis.enclosing));
  const N inverse = reciprocal_or_zero(axis.enclosing * scale.up);
  const N loss = ((absolute(axis.d1) + absolute(axis.d2)) * scale.up) * inverse;
  const N per_unit = inverse * (scale.up * N(kQuarter));
  const N ratio = (axis.overlap * scale.up) * inverse;
  return {loss, {N(0) - ratio * per_unit, per_unit, (N(0.5f) * loss) * per_unit}};
}

// Euclidean length of a vector, as scaled * scale.down, and its direction; direction and inverse are 0 at length 0.
template <class N, int D>
struct Length {
  N scaled;
  N inverse;  // 1 / scaled
  Scale<N> scale;
  N direction[D];
};

// The vector is scaled to its own size before it is squared: nothing overflows, and small vectors keep their digits.
template <class N, int D>
SCALOSS_FN Length<N, D> length_of(const N (&vector)[D]) {
  N size = absolute(vector[0]);
  for (int k = 1; k < D; ++k) size = larger(size, absolute(vector[k]));
  Length<N, D> length;
  length.scale = scale_of(size);
  N squares(0);
  for (int k = 0; k < D; ++k) {
    length.direction[k] = vector[k] * length.scale.up;
    const N square = length.direction[k] * length.direction[k];
    squares = k == 0 ? square : squares + square;
  }
  length.scaled = square_root(squares);
  length.inverse = reciprocal_or_zero(length.scaled);
  for (int k = 0; k < D; ++k) length.direction[k] = length.direction[k] * length.inverse;
  return length;
}

template <class N, int D>
struct CornerDistanceTerm {
  N loss;
  N outer[D];             // EdgeGradient::outer; inner is 0, tie half of outer
  N first[D], second[D];  // d loss / d (pred - target) of the two corners
};

// (|p1 - g1| + |p2 - g2|) / enclosing diagonal (Eq. 3). With epsilon, as the authors' code has it: added to every
// difference, to the enclosing sides and to the diagonal.
template <class N, int D>
SCALOSS_FN CornerDistanceTerm<N, D> corner_distance(const Axes<N, D>& axes, N epsilon) {
  const N shift = epsilon * N(kQuarter);
  N first[D], second[D], enclosing[D];
  for (int k = 0; k < D; ++k) {
    first[k] = axes.axis[k].d1 + shift;
    second[k] = axes.axis[k].d2 + shift;
    enclosing[k] = axes.axis[k].enclosing + shift;
  }
  const Length<N, D> first_length = length_of(first), second_length = length_of(second);
  const Length<N, D> diagonal = length_of(enclosing);
  const N up = diagonal.scale.up;
  const N inverse = reciprocal_or_zero(diagonal.scaled + shift * up);
  CornerDistanceTerm<N, D> term;
  term.loss =
      (first_length.scaled * (first_length.scale.down * up) + second_length.scaled * (second_length.scale.down * up)) *
      inverse;
  const N per_unit = inverse * (up * N(kQuarter));
  for (int k = 0; k < D; ++k) {
    term.outer[k] = (term.loss * diagonal.direction[k]) * per_unit;
    term.first[k] = first_length.direction[k] * per_unit;
    term.second[k] = second_length.direction[k] * per_unit;
  }
  return term;
}

// Side overlap, L_SO (Eq. 2).
struct SoLoss {
  template <class N, int D>
  static SCALOSS_FN N evaluate(const Axes<N, D>& axes, const LossParams<N>&, Gradients<N, D>& gradients) {
    N loss(0);
    for (int k = 0; k < D; ++k) {
      const SideOverlapTerm<N> so = side_overlap(axes.axis[k]);
      loss = k == 0 ? so.loss : loss + so.loss;
      set_axis(gradients, k, axes.axis[k], so.edge, N(0), N(0));
    }
    return loss;
  }
};

// Corner distance, L_CD (Eq. 3).
struct CdLoss {
  template <class N, int D>
  static SCALOSS_FN N evaluate(const Axes<N, D>& axes, const LossParams<N>& params, Gradients<N, D>& gradients) {
    const CornerDistanceTerm<N, D> cd = corner_distance(axes, params.epsilon);
    for (int k = 0; k < D; ++k) {
      const EdgeGradient<N> edge = {cd.outer[k], N(0), N(0.5f) * cd.outer[k]};
      set_axis(gradients, k, axes.axis[k], edge, cd.first[k], cd.second[k]);
    }
    return cd.loss;
  }
};

// SCALoss, L_SO + alpha L_CD (Eq. 4).
struct ScaLoss {
  template <class N, int D>
  static SCALOSS_FN N evaluate(const Axes<N, D>& axes, const LossParams<N>& params, Gradients<N, D>& gradients) {
    const CornerDistanceTerm<N, D> cd = corner_distance(axes, params.epsilon);
    N loss(0);
    for (int k = 0; k < D; ++k) {
      const SideOverlapTerm<N> so = side_overlap(axes.axis[k]);
      loss = k == 0 ? so.loss : loss + so.loss;
      const N outer = params.alpha * cd.outer[k];
      const EdgeGradient<N> edge = {so.edge.outer + outer, so.edge.inner, so.edge.tie + N(0.5f) * outer};
      set_axis(gradients, k, axes.axis[k], edge, params.alpha * cd.first[k], params.alpha * cd.second[k]);
    }
    return loss + params.alpha * cd.loss;
  }
};

}  // namespace scaloss

// Every loss: its public name and its type. The position is the loss' number at the addon's boundary (src/losses.ts).
#define SCALOSS_LOSSES(ROW) \
  ROW(sca, ScaLoss)         \
  ROW(so, SoLoss)           \
  ROW(cd, CdLoss)
