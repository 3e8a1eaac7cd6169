// The types in which arrays on a device may hold numbers: float, double, and two 16-bit types that are computed with as
// float. Conversions round to nearest, ties to even, and every NaN becomes 0x7fff. A GPU has instructions for some of
// the conversions, which give the same bits (cuda/half.cuh).
#pragma once

#include "number.h"

namespace scaloss {

// IEEE 754 binary16.
struct Float16 {
  uint16_t bits;
};
// The upper half of a float.
struct BFloat16 {
  uint16_t bits;
};

// The type that a stored type is computed with.
template <class S>
struct ArithmeticOf {
  using type = S;
};
template <>
struct ArithmeticOf<Float16> {
  using type = float;
};
template <>
struct ArithmeticOf<BFloat16> {
  using type = float;
};

SCALOSS_FN float widen(float x) {
  return x;
}
SCALOSS_FN double widen(double x) {
  return x;
}
SCALOSS_FN float widen(BFloat16 x) {
  return bit_cast<float>(uint32_t(x.bits) << 16);
}
SCALOSS_FN float widen(Float16 x) {
  const uint32_t sign = uint32_t(x.bits & 0x8000) << 16, magnitude = x.bits & 0x7fff;
  // A subnormal number is a multiple of 2^-24.
  if (magnitude < 0x0400) return bit_cast<float>(sign | bit_cast<uint32_t>(float(magnitude) * 0x1p-24f));
  if (magnitude > 0x7c00) return bit_cast<float>(0x7fffffffu);
  if (magnitude == 0x7c00) return bit_cast<float>(sign | 0x7f800000u);
  return bit_cast<float>(sign | ((magnitude << 13) + (uint32_t(127 - 15) << 23)));
}

// S, the stored type, is named by the caller: narrow<Float16>(x).
template <class S>
struct Narrow;
template <>
struct Narrow<float> {
  static SCALOSS_FN float of(float x) { return x; }
};
template <>
struct Narrow<double> {
  static SCALOSS_FN double of(double x) { return x; }
};
template <>
struct Narrow<BFloat16> {
  static SCALOSS_FN BFloat16 of(float x) {
    const uint32_t bits = bit_cast<uint32_t>(x);
    if (!(x == x)) return {0x7fff};
    return {uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
  }
};
template <>
struct Narrow<Float16> {
  static SCALOSS_FN Float16 of(float x) {
    const uint32_t bits = bit_cast<uint32_t>(x), magnitude = bits & 0x7fffffff;
    const uint16_t sign = uint16_t(bits >> 16 & 0x8000);
    if (magnitude > 0x7f800000) return {0x7fff};
    if (magnitude >= 0x477ff000) return {uint16_t(sign | 0x7c00)};  // from 65520 on
    // Below 2^-14 the result is a multiple of 2^-24. Adding 1/2 rounds to such a multiple.
    if (magnitude < 0x38800000) {
      return {uint16_t(sign | (bit_cast<uint32_t>(bit_cast<float>(magnitude) + 0.5f) - 0x3f000000))};
    }
    return {uint16_t(sign | ((magnitude - (uint32_t(127 - 15) << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13))};
  }
};
template <class S, class T>
SCALOSS_FN S narrow(T x) {
  return Narrow<S>::of(x);
}

}  // namespace scaloss
