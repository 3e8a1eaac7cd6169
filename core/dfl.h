// Heads of distances with bins: a side's distance is the expectation of a distribution over bins, given by logits
// ("Generalized Focal Loss", Li et al. 2020). Beside the loss of the box they may train with the cross entropy of the
// two bins around the target's distance, the Distribution Focal Loss.
#pragma once

#include "coders.h"

namespace scaloss {

// The two bins around a distance, and how much of the target each of them is.
template <class N>
struct TwoBins {
  N left;  // the bin below; the other one is left + 1
  N left_weight, right_weight;
  SCALOSS_FN N weight(N bin) const {
    return select(bin == left, left_weight, select(bin == left + N(1), right_weight, N(0)));
  }
};
template <class N, class T>
SCALOSS_FN TwoBins<N> two_bins(const CoderParams<T>& params, N distance) {
  const N y = smaller(N(params.target_clamp), larger(N(0), distance));
  const N nearest = round_to_integer(y), left = select(nearest > y, nearest - N(1), nearest);
  return {left, (left + N(1)) - y, y - left};
}

// The distribution of one side.
template <class N>
struct Side {
  N distance;       // in strides
  N sum;            // of exp(logit - largest)
  N cross_entropy;  // of the two bins
  MaskOf<N> finite;
};

// `logits` holds one logit per bin and receives exp(logit - largest). The bins are added up in their order.
template <class N, class T>
SCALOSS_FN Side<N> evaluate_side(const CoderParams<T>& params, const T* project, N* logits, const TwoBins<N>* target) {
  N largest = logits[0], zeros = logits[0] * N(0);
  for (int bin = 1; bin < params.bins; ++bin) {
    largest = larger(largest, logits[bin]);
    zeros = zeros + logits[bin] * N(0);
  }
  N sum(0), weighted(0), of_target(0);
  for (int bin = 0; bin < params.bins; ++bin) {
    const N below = logits[bin] - largest;
    const N e = exp_in_range(below);
    logits[bin] = e;
    sum = sum + e;
    weighted = weighted + N(project[bin]) * e;
    // A loss beyond the range would be of no use, and a sum of such losses infinite.
    const N limited = larger(below, N(-DecodedRange<T>::kMost));
    if (target != nullptr) of_target = of_target + target->weight(N(T(bin))) * limited;
  }
  Side<N> side = {weighted / sum, sum, N(0), zeros == N(0)};
  if (target != nullptr) side.cross_entropy = log_of(sum, N(1) - sum).value() - of_target;
  return side;
}

// Replaces exp(logit - largest) by the gradient for the logit: `gradient` is that for the distance in strides, and
// `factor` multiplies that of the cross entropy.
template <class N, class T>
SCALOSS_FN void side_gradient(const CoderParams<T>& params, const T* project, const Side<N>& side, N gradient,
                              N* values, const TwoBins<N>* target, N factor) {
  const N share = N(1) / side.sum;
  // A row that counts 0 gives 0 whatever its logits are.
  const MaskOf<N> zero = (gradient == N(0)) & (factor == N(0));
  for (int bin = 0; bin < params.bins; ++bin) {
    const N p = values[bin] * share;
    N g = p * ((N(project[bin]) - side.distance) * gradient);
    if (target != nullptr) g = g + (p - target->weight(N(T(bin)))) * factor;
    values[bin] = select(zero, N(0), g);
  }
}

}  // namespace scaloss
