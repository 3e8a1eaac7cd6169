// Whether the results of a row are right, for pairs that the reference can judge.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "../../support/call.h"
#include "reference.h"

namespace check {

// What may be wrong, in units in the last place (test/support/golden.mjs has how they are counted). The golden vectors
// are held to 6 and 12; a fuzzer looks for the worst.
constexpr double kLossUlps = 8, kGradientUlps = 16;

// Numbers below are not told from 0: of a loss, and of a gradient in units of 1 / coordinate. Powers of small terms
// sink there, beside nothing else where boxes are flat.
constexpr double kLeastLoss = 0x1p-100, kLeastSlope = 0x1p-64;

// Coordinates and their differences are 0 or from 2^-this to 2^this. nwd, the exponential of a distance, has lost
// digits further out; the square of a distance in an image of 800 pixels leaves the range when raised to a power.
inline int moderate_exponent(int loss) {
  return loss == scaloss::kLoss_nwd ? 7 : loss == scaloss::kLoss_mpdiou ? 20 : 40;
}

// The coordinates of a row, as the reference takes them.
struct Pair {
  double pred[6], target[6];
};

// Whether the row is moderate, and no sum of its coordinates is rounded to a loss of digits in the reference itself.
inline bool can_be_judged(const Pair& pair, int axes, int loss) {
  double least = INFINITY, most = 0;
  for (int k = 0; k < axes; ++k) {
    const double edges[] = {0, pair.pred[k], pair.pred[axes + k], pair.target[k], pair.target[axes + k]};
    for (double a : edges) {
      for (double b : edges) {
        if (a != b) least = std::min(least, std::fabs(a - b));
        most = std::max(most, std::fabs(a - b));
      }
    }
  }
  const double limit = std::ldexp(1, moderate_exponent(loss));
  return most <= limit && least >= 1 / limit && least >= 0x1p-40 * most;
}

// |actual - expected| in spacings of the type at `scale`.
template <class T>
double ulps(T actual, reference::Quad expected, double scale) {
  const reference::Quad error = actual - expected;
  return double(error < 0 ? -error : error) / std::ldexp(1, std::ilogb(scale) + 1 - std::numeric_limits<T>::digits);
}

// Expects loss and gradients of a row as the reference has them; the call has had no factors.
template <class T>
void judge(const Variant& variant, const Inputs<T>& in, const Outputs<T>& out, int axes, size_t row) {
  const int columns = 2 * axes;
  Pair pair;
  std::copy_n(&in.pred[columns * row], columns, pair.pred);
  std::copy_n(&in.target[columns * row], columns, pair.target);
  if (!can_be_judged(pair, axes, variant.params.loss)) return;
  const auto params = params_as<double>(params_as<T>(variant.params));
  const reference::Result expected = reference::evaluate(params, axes, pair.pred, pair.target);

  const double loss = double(expected.loss), loss_scale = std::max(std::fabs(loss), kLeastLoss);
  const double loss_error = ulps(out.loss[row], expected.loss, loss_scale);
  expect(loss_error <= kLossUlps, "loss " + std::to_string(loss_error) + " ulp off");

  double slope = 0, size = 0;
  for (reference::Quad component : expected.grad) slope = std::max(slope, std::fabs(double(component)));
  for (int k = 0; k < columns; ++k) size = std::max({size, std::fabs(pair.pred[k]), std::fabs(pair.target[k])});
  slope = std::max(slope, size > 0 ? kLeastSlope / size : double(std::numeric_limits<T>::min()));
  for (int k = 0; k < columns; ++k) {
    const double errors[] = {ulps(out.grad[columns * row + k], expected.grad[k], slope),
                             ulps(out.grad_target[columns * row + k], expected.grad[columns + k], slope)};
    for (double error : errors) {
      expect(error <= kGradientUlps, "gradient " + std::to_string(k) + " " + std::to_string(error) + " ulp off");
    }
  }
}

}  // namespace check
