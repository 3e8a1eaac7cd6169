// Numbers of 113 bits with their derivatives. At kinks and where a division has no value: docs/losses.md.
#pragma once

#include <array>

// Of libquadmath, whose header Clang does not find.
extern "C" {
__float128 sqrtq(__float128);
__float128 expm1q(__float128);
__float128 logq(__float128);
__float128 powq(__float128, __float128);
__float128 atan2q(__float128, __float128);
}

namespace reference {

using Quad = __float128;
constexpr int kMostCoordinates = 12;  // of two boxes

struct Dual {
  Quad value = 0;
  std::array<Quad, kMostCoordinates> d = {};

  Dual() = default;
  Dual(Quad constant) : value(constant) {}
};

// A number with these partial derivatives for a and b.
inline Dual chain(Quad value, Quad by_a, const Dual& a, Quad by_b = 0, const Dual& b = {}) {
  Dual result(value);
  for (int i = 0; i < kMostCoordinates; ++i) result.d[i] = by_a * a.d[i] + by_b * b.d[i];
  return result;
}

inline Dual operator+(const Dual& a, const Dual& b) {
  return chain(a.value + b.value, 1, a, 1, b);
}
inline Dual operator-(const Dual& a, const Dual& b) {
  return chain(a.value - b.value, 1, a, -1, b);
}
inline Dual operator*(const Dual& a, const Dual& b) {
  return chain(a.value * b.value, b.value, a, a.value, b);
}
// `empty` where b is 0.
inline Dual divide(const Dual& a, const Dual& b, Quad empty = 0) {
  if (b.value == 0) return empty;
  const Quad ratio = a.value / b.value;
  return chain(ratio, 1 / b.value, a, -ratio / b.value, b);
}
inline Dual min(const Dual& a, const Dual& b) {
  if (a.value == b.value) return chain(a.value, 0.5, a, 0.5, b);
  return a.value < b.value ? a : b;
}
inline Dual max(const Dual& a, const Dual& b) {
  return Dual(0) - min(Dual(0) - a, Dual(0) - b);
}
inline Dual positive_part(const Dual& a) {
  return a.value > 0 ? a : Dual(0);
}
inline Dual absolute(const Dual& a) {
  return chain(a.value < 0 ? -a.value : a.value, a.value > 0 ? 1 : a.value < 0 ? -1 : 0, a);
}
inline Dual square(const Dual& a) {
  return a * a;
}
inline Dual square_root(const Dual& a) {
  const Quad root = sqrtq(a.value);
  return chain(root, root == 0 ? Quad(0) : 1 / (2 * root), a);
}
// 1 - exp(-a)
inline Dual one_minus_exp(const Dual& a) {
  const Quad minus_one = expm1q(-a.value);
  return chain(-minus_one, 1 + minus_one, a);
}
inline Dual power(const Dual& a, Quad exponent) {
  if (a.value <= 0) return 0;
  const Quad result = powq(a.value, exponent);
  return chain(result, exponent * result / a.value, a);
}

}  // namespace reference
