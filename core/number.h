// The operations that the maths needs of a number type, for float and double. cpu/pack.h has the same for SIMD packs.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "function.h"

namespace scaloss {

// IEEE 754 facts of a storage type. kDoubledBias is the exponent field of 2^(bias), so that (kDoubledBias - exponent
// bits of x) are the exponent bits of the reciprocal power of two.
template <class T>
struct Ieee;

template <>
struct Ieee<float> {
  using Bits = int32_t;
  static constexpr Bits kExponentMask = 0x7f800000;
  static constexpr Bits kDoubledBias = 0x7f000000;
  static constexpr float kSmallestNormal = FLT_MIN;
  static constexpr float kLargest = FLT_MAX;
  static constexpr float kNaN = NAN;
};

template <>
struct Ieee<double> {
  using Bits = int64_t;
  static constexpr Bits kExponentMask = 0x7ff0000000000000;
  static constexpr Bits kDoubledBias = 0x7fe0000000000000;
  static constexpr double kSmallestNormal = DBL_MIN;
  static constexpr double kLargest = DBL_MAX;
  static constexpr double kNaN = NAN;
};

// How much is known of the numbers a type is used for. any: nothing. regular: they belong to regular pairs (box.h) and
// need no tests. ordinary: they belong to ordinary pairs (ordinary.h), where scaling by powers of two would change no
// bit and is left out.
enum class Range { any, regular, ordinary };

// Storage type, bits, comparison result and range of a number type.
template <class N>
struct NumberOf {
  using Storage = N;
  using Bits = typename Ieee<N>::Bits;
  using Mask = bool;
  static constexpr bool kRegular = false, kOrdinary = false;
};
template <class N>
using StorageOf = typename NumberOf<N>::Storage;
template <class N>
using MaskOf = typename NumberOf<N>::Mask;

SCALOSS_FN float select(bool mask, float a, float b) {
  return mask ? a : b;
}
SCALOSS_FN double select(bool mask, double a, double b) {
  return mask ? a : b;
}
SCALOSS_FN float absolute(float x) {
  return fabsf(x);
}
SCALOSS_FN double absolute(double x) {
  return fabs(x);
}
SCALOSS_FN float square_root(float x) {
  return sqrtf(x);
}
SCALOSS_FN double square_root(double x) {
  return sqrt(x);
}

template <class To, class From>
SCALOSS_FN To bit_cast(const From& from) {
  static_assert(sizeof(To) == sizeof(From), "a cast of bits keeps their number");
  To to;
  memcpy((void*)&to, &from, sizeof(To));
  return to;
}

// Shifts the bits of a number, or of a pack of numbers. Bits that leave at the top are lost.
SCALOSS_FN int32_t shift_left(int32_t bits, int places) {
  return int32_t(uint32_t(bits) << places);
}
SCALOSS_FN int64_t shift_left(int64_t bits, int places) {
  return int64_t(uint64_t(bits) << places);
}
template <class BitVector>
SCALOSS_FN BitVector shift_left(BitVector bits, int places) {
  return bits << places;
}

// The sum of such bits. A carry at the top is lost.
SCALOSS_FN int32_t add_bits(int32_t a, int32_t b) {
  return int32_t(uint32_t(a) + uint32_t(b));
}
SCALOSS_FN int64_t add_bits(int64_t a, int64_t b) {
  return int64_t(uint64_t(a) + uint64_t(b));
}
template <class BitVector, class Bits>
SCALOSS_FN BitVector add_bits(BitVector a, Bits b) {
  return a + b;
}

// The larger and the smaller of two numbers. The result is b if either is NaN or they are equal, for every number type.
template <class N>
SCALOSS_FN N larger(N a, N b) {
  return select(a > b, a, b);
}
template <class N>
SCALOSS_FN N smaller(N a, N b) {
  return select(a < b, a, b);
}

template <class N>
SCALOSS_FN N reciprocal_or_zero(N x) {
  return select(x == N(0), N(0), N(1) / x);
}

// The same for a side, an area or a diagonal. Regular pairs have none that is 0.
template <class N>
SCALOSS_FN N reciprocal_of_extent(N x) {
  return NumberOf<N>::kRegular ? N(1) / x : reciprocal_or_zero(x);
}

// x times the reciprocal of an extent. The result is 0 where the reciprocal is 0, even if x is infinite there.
template <class N>
SCALOSS_FN N over_extent(N x, N reciprocal) {
  const N product = x * reciprocal;
  return NumberOf<N>::kRegular ? product : select(reciprocal == N(0), N(0), product);
}

// Exact powers of two with up * down == 1.
template <class N>
struct Scale {
  N up;
  N down;
};

// The scale that brings size >= 0 into [1, 2). Subnormal sizes and 0 are brought below 1, and their squares stay
// representable. The size must be below half of the largest number.
template <class N>
SCALOSS_FN Scale<N> scale_of(N size) {
  if (NumberOf<N>::kOrdinary) return {N(1), N(1)};
  using I = Ieee<StorageOf<N>>;
  using Bits = typename NumberOf<N>::Bits;
  const Bits exponent = bit_cast<Bits>(larger(size, N(I::kSmallestNormal))) & I::kExponentMask;
  return {bit_cast<N>(I::kDoubledBias - exponent), bit_cast<N>(exponent)};
}

// x, limited to the largest finite number. An infinity would turn into NaN at the next product with 0 or sum with the
// opposite infinity.
template <class N>
SCALOSS_FN N within_range(N x) {
  if (NumberOf<N>::kRegular) return x;
  const N limit(Ieee<StorageOf<N>>::kLargest);
  return smaller(limit, larger(-limit, x));
}
template <class N>
SCALOSS_FN N grow(N x, N up) {
  return NumberOf<N>::kOrdinary ? x : within_range(x * up);
}

// The same for a sum. For pairs that are not regular, parts of a gradient may have left the range. Where they have
// opposite signs, their sum is taken as 0, which is no worse than any other number and better than NaN.
template <class N>
SCALOSS_FN N finite_sum(N sum) {
  return NumberOf<N>::kRegular ? sum : select(sum == sum, within_range(sum), N(0));
}

}  // namespace scaloss
