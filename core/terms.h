// The parts of the loss of one pair: its value and, for each edge of the prediction, how moving the edge changes it.
#pragma once

#include <iterator>

#include "axis.h"

namespace scaloss {

// The options of a loss (src/core/losses.ts, LossParams).
enum class Mode : int32_t { linear, log, square };
// The names by position in the enumeration.
constexpr const char* kModeNames[] = {"linear", "log", "square"};
constexpr int kModes = int(std::size(kModeNames));
static_assert(kModes == int(Mode::square) + 1, "every mode has a name");

template <class T>
struct LossParams {
  T alpha;        // weight of the corner distance
  T epsilon;      // 0, or a convention's 1e-7, in coordinates
  T log_floor;    // of Mode::log
  T power;        // of alpha-IoU
  T inner;        // ratio of Inner-IoU
  T focal;        // exponent of Focal-EIoU
  T beta;         // of smooth_l1, in coordinates
  T image_scale;  // of mpdiou: 1 / diagonal of the image
  T constant;     // of nwd, in coordinates
  Mode mode;
  int32_t detach_alpha;  // ciou's factor is a constant in the gradient
  int32_t loss;          // position in SCALOSS_LOSSES
  // The following members are derived from the others by derive() in dispatch.h.
  int32_t modified;       // mode, power, inner, focal or detach_alpha is not as the plain formula has it
  int32_t enlarge_small;  // box.h
  int32_t any_order;      // the corners of a box need not be in order
};

// What a term adds to the gradient of the first edge of one axis, depending on where that edge lies. The second edge
// takes the opposite signs.
template <class N>
struct EdgeGradient {
  N outer;  // on the enclosing box
  N inner;  // inside it
  N tie;    // on the enclosing box together with the target's edge
};

// A loss and the parts of its gradient for the prediction, for coordinates in Axes::unit. All losses are symmetric in
// their boxes: the gradient for the target is that for the prediction with the two boxes exchanged.
template <class N, int D>
struct PairTerms {
  N loss;
  EdgeGradient<N> edge[D];
  N first[D], second[D];  // what the two edges get wherever they lie
};

// At a tie of min or max each argument takes half of the gradient.
template <class N>
SCALOSS_FN EdgeGradient<N> edge_gradient(N outer, N inner) {
  return {outer, inner, N(0.5f) * (outer + inner)};
}

// Adding to 0 - edge, rather than subtracting the edge, keeps -0 out of the results.
template <class N, int D>
SCALOSS_FN Box<N, D> pred_gradient(const Axes<N, D>& axes, const PairTerms<N, D>& terms) {
  Box<N, D> gradient;
  for (int k = 0; k < D; ++k) {
    const Axis<N>& axis = axes.axis[k];
    const EdgeGradient<N>& edge = terms.edge[k];
    const N first = select(axis.first_outer, edge.outer, select(axis.first_tie, edge.tie, edge.inner));
    const N second = select(axis.second_outer, edge.outer, select(axis.second_tie, edge.tie, edge.inner));
    gradient.first[k] = first + terms.first[k];
    gradient.second[k] = (N(0) - second) + terms.second[k];
  }
  return gradient;
}

// a + factor b, term by term.
template <class N, int D>
SCALOSS_FN PairTerms<N, D> add_scaled(const PairTerms<N, D>& a, N factor, const PairTerms<N, D>& b) {
  PairTerms<N, D> sum;
  sum.loss = a.loss + factor * b.loss;
  for (int k = 0; k < D; ++k) {
    const EdgeGradient<N>&x = a.edge[k], &y = b.edge[k];
    sum.edge[k] = {x.outer + factor * y.outer, x.inner + factor * y.inner, x.tie + factor * y.tie};
    sum.first[k] = a.first[k] + factor * b.first[k];
    sum.second[k] = a.second[k] + factor * b.second[k];
  }
  return sum;
}
template <class N, int D>
SCALOSS_FN PairTerms<N, D> operator+(const PairTerms<N, D>& a, const PairTerms<N, D>& b) {
  return add_scaled(a, N(1), b);
}

// The same gradient times a factor, with another loss.
template <class N, int D>
SCALOSS_FN PairTerms<N, D> with_loss(N loss, N factor, PairTerms<N, D> terms) {
  terms.loss = loss;
  for (int k = 0; k < D; ++k) {
    EdgeGradient<N>& edge = terms.edge[k];
    edge = {factor * edge.outer, factor * edge.inner, factor * edge.tie};
    terms.first[k] = factor * terms.first[k];
    terms.second[k] = factor * terms.second[k];
  }
  return terms;
}

// Terms with this loss and a gradient of 0.
template <class N, int D>
SCALOSS_FN PairTerms<N, D> constant_terms(N loss) {
  PairTerms<N, D> terms;
  terms.loss = loss;
  for (int k = 0; k < D; ++k) {
    terms.edge[k] = {N(0), N(0), N(0)};
    terms.first[k] = terms.second[k] = N(0);
  }
  return terms;
}

// The Euclidean length of a vector, as scaled * scale.down, and its direction. Direction and inverse are 0 if the
// length is 0.
template <class N, int D>
struct Length {
  N scaled;
  N inverse;  // 1 / scaled
  Scale<N> scale;
  N direction[D];
};

// The vector is scaled by its size before it is squared, so that nothing overflows and small vectors keep their digits.
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

}  // namespace scaloss
