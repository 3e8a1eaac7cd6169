// Elementary functions that give the same bits on every backend. They are polynomials between exact steps, fitted for
// this purpose (minimax, by the Remez exchange in 50 digits). Each polynomial is accurate to less than half an ulp over
// its interval. The rest of the error is rounding, which the golden vectors of the losses that use these functions
// bound.
#pragma once

#include "number.h"

namespace scaloss {

// c0 + x (c1 + x (c2 + ...))
template <class N>
SCALOSS_FN N polynomial(N, StorageOf<N> c) {
  return N(c);
}
template <class N, class... More>
SCALOSS_FN N polynomial(N x, StorageOf<N> c, More... more) {
  return N(c) + x * polynomial(x, more...);
}

// The polynomials. The second argument selects the dtype.
// (atan(t) / t - 1) / z for z = t t, t up to tan(pi / 8).
template <class N>
SCALOSS_FN N atan_series(N z, float) {
  return polynomial(z, -0x1.55554ap-2f, 0x1.9991aep-3f, -0x1.23b6cap-3f, 0x1.b20316p-4f, -0x1.f25afep-5f);
}
template <class N>
SCALOSS_FN N atan_series(N z, double) {
  return polynomial(z, -0x1.555555555553dp-2, 0x1.99999999958fap-3, -0x1.24924922b1847p-3, 0x1.c71c70e7cab18p-4,
                    -0x1.745cf90fc9d2ep-4, 0x1.3b111cba4193ap-4, -0x1.10ebe185e82e9p-4, 0x1.df11a1a59bd91p-5,
                    -0x1.9cdd3276b1c50p-5, 0x1.37eff57779aa4p-5, -0x1.25a352f1e5686p-6);
}
// (log((1 + s) / (1 - s)) / s - 2) / z for z = s s, up to a ratio of sqrt(2).
template <class N>
SCALOSS_FN N log_series(N z, float) {
  return polynomial(z, 0x1.555554p-1f, 0x1.999a7ap-2f, 0x1.2438d8p-2f, 0x1.e2f666p-3f);
}
template <class N>
SCALOSS_FN N log_series(N z, double) {
  return polynomial(z, 0x1.5555555555592p-1, 0x1.999999997fdbbp-2, 0x1.24924941f1090p-2, 0x1.c71c52096af06p-3,
                    0x1.74663ee6dac3bp-3, 0x1.39a1bac873aecp-3, 0x1.2f05638a3b727p-3);
}
// (exp(r) - 1 - r - r r / 2) / r^3, |r| up to log(2) / 2.
template <class N>
SCALOSS_FN N exp_series(N r, float) {
  return polynomial(r, 0x1.5554bcp-3f, 0x1.5554ccp-5f, 0x1.1220a6p-7f, 0x1.6d6e84p-10f);
}
template <class N>
SCALOSS_FN N exp_series(N r, double) {
  return polynomial(r, 0x1.5555555555557p-3, 0x1.5555555555558p-5, 0x1.111111110fd37p-7, 0x1.6c16c16c14f5dp-10,
                    0x1.a01a01ad8e5b8p-13, 0x1.a01a01adfb797p-16, 0x1.71ddfdc148220p-19, 0x1.27e4ca87e4acap-22,
                    0x1.af55e9e1ddcf8p-26, 0x1.1f8ed50349a69p-29);
}

template <class T>
struct Elementary;
template <>
struct Elementary<float> {
  static constexpr float kPi = 0x1.921fb6p+1f, kHalfPi = 0x1.921fb6p+0f, kQuarterPi = 0x1.921fb6p-1f;
  static constexpr float kTanEighthPi = 0x1.a8279ap-2f;
  // log(2) in two parts: products of the first with small integers are exact.
  static constexpr float kLog2High = 0x1.62e4p-1f, kLog2Low = 0x1.7f7d1cp-20f, kInverseLog2 = 0x1.715476p+0f;
  static constexpr float kLog2 = 0x1.62e43p-1f;
  static constexpr float kMinExponent = -126.0f, kMaxExponent = 127.0f;  // of normal numbers
  static constexpr float kRounder = 0x1.8p23f;                           // adding it rounds to an integer
  static constexpr int32_t kRounderBits = 0x4b400000, kOneBits = 0x3f800000, kRootHalfBits = 0x3f3504f3;
  static constexpr int32_t kMantissaMask = 0x007fffff;
  static constexpr int kMantissaBits = 23;
};
template <>
struct Elementary<double> {
  static constexpr double kPi = 0x1.921fb54442d18p+1, kHalfPi = 0x1.921fb54442d18p+0, kQuarterPi = 0x1.921fb54442d18p-1;
  static constexpr double kTanEighthPi = 0x1.a827999fcef32p-2;
  static constexpr double kLog2High = 0x1.62e42feep-1, kLog2Low = 0x1.a39ef35793c76p-33,
                          kInverseLog2 = 0x1.71547652b82fep+0;
  static constexpr double kLog2 = 0x1.62e42fefa39efp-1;
  static constexpr double kMinExponent = -1022.0, kMaxExponent = 1023.0;
  static constexpr double kRounder = 0x1.8p52;
  static constexpr int64_t kRounderBits = 0x4338000000000000, kOneBits = 0x3ff0000000000000,
                           kRootHalfBits = 0x3fe6a09e667f3bcd;
  static constexpr int64_t kMantissaMask = 0x000fffffffffffff;
  static constexpr int kMantissaBits = 52;
};

template <class N>
SCALOSS_FN N round_to_integer(N x) {
  const N rounder(Elementary<StorageOf<N>>::kRounder);
  return (x + rounder) - rounder;
}

// The angle of the vector (x, y), in (-pi, pi]. x and y must not both be 0, and neither may be so small that their
// quotient loses digits.
template <class N>
SCALOSS_FN N angle_of(N y, N x) {
  using E = Elementary<StorageOf<N>>;
  const N ay = absolute(y), ax = absolute(x);
  const MaskOf<N> steep = ay > ax;
  const N low = select(steep, ax, ay), high = select(steep, ay, ax);
  // atan(low / high) = pi / 4 + atan((low - high) / (low + high)), used where the quotient is large.
  const MaskOf<N> far = low > N(E::kTanEighthPi) * high;
  const N t = select(far, low - high, low) / select(far, low + high, high);
  const N z = t * t;
  const N near = t + t * (z * atan_series(z, StorageOf<N>()));
  const N angle = select(far, N(E::kQuarterPi) + near, near);
  const N from_x = select(steep, N(E::kHalfPi) - angle, angle);
  // For regular boxes the vector is always in the right half plane.
  const N upper = NumberOf<N>::kRegular ? from_x : select(x < N(0), N(E::kPi) - from_x, from_x);
  return select(y < N(0), -upper, upper);
}

// The parts of log(x) = exponent log(2) + rest.
template <class N>
struct Log {
  N exponent;  // an integer
  N rest;
  SCALOSS_FN N value() const {
    using E = Elementary<StorageOf<N>>;
    return exponent * N(E::kLog2High) + (rest + exponent * N(E::kLog2Low));
  }
};

// The logarithm of a positive normal x. The caller passes below_one = 1 - x, which it knows more precisely than this
// difference, so that the result keeps its digits near x = 1.
template <class N>
SCALOSS_FN Log<N> log_of(N x, N below_one) {
  using E = Elementary<StorageOf<N>>;
  using Bits = typename NumberOf<N>::Bits;
  // x = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)).
  const Bits bits = bit_cast<Bits>(x) - E::kRootHalfBits;
  const N exponent = bit_cast<N>((bits >> E::kMantissaBits) + E::kRounderBits) - N(E::kRounder);
  const N mantissa = bit_cast<N>((bits & E::kMantissaMask) + E::kRootHalfBits);
  const N f = select(exponent == N(0), -below_one, mantissa - N(1));
  // With s = f / (2 + f), log(1 + f) = 2 s + s R = f - s (f - R), where R = s s (2/3 + ...).
  const N s = f / (N(2) + f);
  const N z = s * s;
  return {exponent, f - s * (f - z * log_series(z, StorageOf<N>()))};
}

// A power, and the power minus 1 with all its digits where it is near 0.
template <class N>
struct Exp {
  N value;
  N minus_one;
};

// 2^exponent for an integer from kMinExponent to kMaxExponent. Adding the rounder puts the integer into the low bits.
// From there it is shifted to the place of the exponent, and the bits of the rounder leave at the top.
template <class N>
SCALOSS_FN N power_of_two(N exponent) {
  using E = Elementary<StorageOf<N>>;
  using Bits = typename NumberOf<N>::Bits;
  const Bits bits = bit_cast<Bits>(exponent + N(E::kRounder));
  return bit_cast<N>(add_bits(shift_left(bits, E::kMantissaBits), E::kOneBits));
}

// 2^exponent exp(x) for an integer exponent.
template <class N>
SCALOSS_FN Exp<N> exp_of(N x, N exponent) {
  using E = Elementary<StorageOf<N>>;
  const N limit(2 * E::kMaxExponent);
  const N in_range = smaller(limit, larger(-limit, x));
  const N multiple = round_to_integer(in_range * N(E::kInverseLog2));
  const N r = (in_range - multiple * N(E::kLog2High)) - multiple * N(E::kLog2Low);
  // The power has two factors, so that a result below the normal numbers is rounded once.
  const N total = smaller(limit, larger(N(2 * E::kMinExponent), multiple + exponent));
  const N half = round_to_integer(N(0.5f) * total);
  const N first = power_of_two(half), second = power_of_two(total - half), power = first * second;
  const N square = r * r;
  const N rest = r + (N(0.5f) * square + square * (r * exp_series(r, StorageOf<N>())));
  return {(first + first * rest) * second, (power - N(1)) + power * rest};
}
template <class N>
SCALOSS_FN Exp<N> exp_of(N x) {
  return exp_of(x, N(0));
}

// exp_of(x) to the last bit, for |x| up to a few dozen. There no result leaves the range, so one power of two is
// enough.
template <class N>
SCALOSS_FN Exp<N> exp_of_moderate(N x) {
  using E = Elementary<StorageOf<N>>;
  const N multiple = round_to_integer(x * N(E::kInverseLog2));
  const N r = (x - multiple * N(E::kLog2High)) - multiple * N(E::kLog2Low);
  const N power = power_of_two(multiple), square = r * r;
  const N rest = r + (N(0.5f) * square + square * (r * exp_series(r, StorageOf<N>())));
  const N change = power * rest;
  return {power + change, (power - N(1)) + change};
}

// x^p, with x as in log_of(). The part of p log(x) that comes from the exponent is split off before rounding. Otherwise
// the rounding error of a large logarithm would become the relative error of the power.
template <class N>
SCALOSS_FN Exp<N> power_of(N x, N below_one, N p) {
  using E = Elementary<StorageOf<N>>;
  const Log<N> log = log_of(x, below_one);
  const N limit(4 * E::kMaxExponent);
  const N exponent = smaller(limit, larger(-limit, p * log.exponent));
  const N integer = round_to_integer(exponent);
  return exp_of((exponent - integer) * N(E::kLog2) + p * log.rest, integer);
}

}  // namespace scaloss
