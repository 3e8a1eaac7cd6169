// The losses: value and gradient of one pair of boxes, for any number type. The table at the end lists them all.
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

// What a term adds to the gradient of the first edge of one axis, by where that edge lies; the second edge takes the
// opposite signs. Terms of this kind treat prediction and target alike.
template <class N>
struct EdgeGradient {
  N outer;  // on the enclosing box
  N inner;  // inside it
  N tie;    // on the enclosing box together with the other box's edge
};

// A loss of one pair, and what the gradients for prediction and target are made of (for coordinates in Axes::unit).
template <class N, int D>
struct PairTerms {
  N loss;
  EdgeGradient<N> edge[D];
  N first[D], second[D];  // d loss / d (prediction - target) of the two corners
};

// Adding to 0 - edge rather than subtracting the edge keeps -0 out of the results.
template <class N, int D>
SCALOSS_FN Box<N, D> pred_gradient(const Axes<N, D>& axes, const PairTerms<N, D>& terms) {
  Box<N, D> gradient;
  for (int k = 0; k < D; ++k) {
    const Axis<N>& axis = axes.axis[k];
    const EdgeGradient<N>& edge = terms.edge[k];
    gradient.first[k] =
        select(axis.first_outer, edge.outer, select(axis.first_tie, edge.tie, edge.inner)) + terms.first[k];
    gradient.second[k] =
        (N(0) - select(axis.second_outer, edge.outer, select(axis.second_tie, edge.tie, edge.inner))) + terms.second[k];
  }
  return gradient;
}

// The prediction's gradient with the roles exchanged: its outer edges are the target's inner ones.
template <class N, int D>
SCALOSS_FN Box<N, D> target_gradient(const Axes<N, D>& axes, const PairTerms<N, D>& terms) {
  PairTerms<N, D> exchanged;
  for (int k = 0; k < D; ++k) {
    exchanged.edge[k] = {terms.edge[k].inner, terms.edge[k].outer, terms.edge[k].tie};
    exchanged.first[k] = -terms.first[k];
    exchanged.second[k] = -terms.second[k];
  }
  return pred_gradient(axes, exchanged);
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
  const N ratio = (axis.overlap * scale.up) * inverse;
  return {
      loss,
      {N(0) - grow(ratio * inverse, scale.up), grow(inverse, scale.up), grow((N(0.5f) * loss) * inverse, scale.up)}};
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

// (|p1 - g1| + |p2 - g2|) / enclosing diagonal (Eq. 3). With epsilon, as the authors' code has it: added to every
// difference, to the enclosing sides and to the diagonal.
template <class N, int D>
SCALOSS_FN PairTerms<N, D> corner_distance(const Axes<N, D>& axes, N epsilon) {
  const N shift = epsilon * axes.unit;  // 0 for ordinary numbers
  const auto shifted = [=](N x) { return NumberOf<N>::kOrdinary ? x : x + shift; };
  N first[D], second[D], enclosing[D];
  for (int k = 0; k < D; ++k) {
    first[k] = shifted(axes.axis[k].d1);
    second[k] = shifted(axes.axis[k].d2);
    enclosing[k] = shifted(axes.axis[k].enclosing);
  }
  const Length<N, D> first_length = length_of(first), second_length = length_of(second);
  const Length<N, D> diagonal = length_of(enclosing);
  const N up = diagonal.scale.up;
  const N inverse = NumberOf<N>::kOrdinary ? diagonal.inverse : reciprocal_or_zero(diagonal.scaled + shift * up);
  PairTerms<N, D> terms;
  terms.loss =
      (first_length.scaled * (first_length.scale.down * up) + second_length.scaled * (second_length.scale.down * up)) *
      inverse;
  for (int k = 0; k < D; ++k) {
    // Moving the outer edge out makes the enclosing side, and with it the diagonal, grow.
    const N outer = grow((terms.loss * diagonal.direction[k]) * inverse, up);
    terms.edge[k] = {outer, N(0), N(0.5f) * outer};
    terms.first[k] = grow(first_length.direction[k] * inverse, up);
    terms.second[k] = grow(second_length.direction[k] * inverse, up);
  }
  return terms;
}

// Side overlap, L_SO (Eq. 2).
struct SoLoss {
  template <class N, int D>
  static SCALOSS_FN PairTerms<N, D> evaluate(const Axes<N, D>& axes, const LossParams<N>&) {
    PairTerms<N, D> terms;
    for (int k = 0; k < D; ++k) {
      const SideOverlapTerm<N> so = side_overlap(axes.axis[k]);
      terms.loss = k == 0 ? so.loss : terms.loss + so.loss;
      terms.edge[k] = so.edge;
      terms.first[k] = terms.second[k] = N(0);
    }
    return terms;
  }
};

// Corner distance, L_CD (Eq. 3).
struct CdLoss {
  template <class N, int D>
  static SCALOSS_FN PairTerms<N, D> evaluate(const Axes<N, D>& axes, const LossParams<N>& params) {
    return corner_distance(axes, params.epsilon);
  }
};

// SCALoss, L_SO + alpha L_CD (Eq. 4).
struct ScaLoss {
  template <class N, int D>
  static SCALOSS_FN PairTerms<N, D> evaluate(const Axes<N, D>& axes, const LossParams<N>& params) {
    const PairTerms<N, D> so = SoLoss::evaluate(axes, params), cd = CdLoss::evaluate(axes, params);
    PairTerms<N, D> terms;
    terms.loss = so.loss + params.alpha * cd.loss;
    for (int k = 0; k < D; ++k) {
      const N outer = params.alpha * cd.edge[k].outer;
      terms.edge[k] = {so.edge[k].outer + outer, so.edge[k].inner, so.edge[k].tie + N(0.5f) * outer};
      terms.first[k] = params.alpha * cd.first[k];
      terms.second[k] = params.alpha * cd.second[k];
    }
    return terms;
  }
};

}  // namespace scaloss

// Every loss: its public name and its type. The position is the loss' number at the addon's boundary (src/losses.ts).
#define SCALOSS_LOSSES(ROW) \
  ROW(sca, ScaLoss)         \
  ROW(so, SoLoss)           \
  ROW(cd, CdLoss)
