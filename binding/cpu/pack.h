// A SIMD pack of W numbers by GCC/Clang vector extensions: what cuda/number.h asks of a number type.
// W * sizeof(T) is the register size of the level that the including file is compiled for.
#pragma once

#include "../../cuda/number.h"
#if defined(__x86_64__)
#  include <immintrin.h>
#elif defined(__aarch64__)
#  include <arm_neon.h>
#endif

namespace scaloss {

template <class T, int W>
struct VectorOf {
  typedef T type __attribute__((vector_size(W * sizeof(T))));
};

template <class T, int W>
struct Pack {
  using Vector = typename VectorOf<T, W>::type;
  using BitVector = typename VectorOf<typename Ieee<T>::Bits, W>::type;

  struct Mask {
    BitVector bits;  // all ones or all zeros in each lane
    SCALOSS_FN Mask() {}
    SCALOSS_FN explicit Mask(bool all) : bits(BitVector{} - typename Ieee<T>::Bits(all)) {}
    SCALOSS_FN explicit Mask(BitVector b) : bits(b) {}
    friend SCALOSS_FN Mask operator&(Mask a, Mask b) { return Mask(a.bits & b.bits); }
    friend SCALOSS_FN Mask operator|(Mask a, Mask b) { return Mask(a.bits | b.bits); }
    friend SCALOSS_FN Mask operator!(Mask a) { return Mask(~a.bits); }
  };

  Vector v;

  SCALOSS_FN Pack() {}
  SCALOSS_FN Pack(Vector vector) : v(vector) {}
  SCALOSS_FN explicit Pack(T all) : v(all - Vector{}) {}

  friend SCALOSS_FN Pack operator+(Pack a, Pack b) { return a.v + b.v; }
  friend SCALOSS_FN Pack operator-(Pack a, Pack b) { return a.v - b.v; }
  friend SCALOSS_FN Pack operator*(Pack a, Pack b) { return a.v * b.v; }
  friend SCALOSS_FN Pack operator/(Pack a, Pack b) { return a.v / b.v; }
  friend SCALOSS_FN Pack operator-(Pack a) { return -a.v; }
  friend SCALOSS_FN Mask operator<(Pack a, Pack b) { return Mask(a.v < b.v); }
  friend SCALOSS_FN Mask operator>(Pack a, Pack b) { return Mask(a.v > b.v); }
  friend SCALOSS_FN Mask operator<=(Pack a, Pack b) { return Mask(a.v <= b.v); }
  friend SCALOSS_FN Mask operator>=(Pack a, Pack b) { return Mask(a.v >= b.v); }
  friend SCALOSS_FN Mask operator==(Pack a, Pack b) { return Mask(a.v == b.v); }

  friend SCALOSS_FN Pack select(Mask mask, Pack a, Pack b) { return mask.bits ? a.v : b.v; }
  friend SCALOSS_FN Pack absolute(Pack a) { return (Vector)((BitVector)a.v & ~((BitVector)(-Vector{}))); }
};

template <class T, int W>
struct NumberOf<Pack<T, W>> {
  using Storage = T;
  using Bits = typename Pack<T, W>::BitVector;
  using Mask = typename Pack<T, W>::Mask;
};

// Vector extensions have no square root.
#if defined(__x86_64__)
SCALOSS_FN Pack<float, 4> square_root(Pack<float, 4> a) {
  return _mm_sqrt_ps(a.v);
}
SCALOSS_FN Pack<double, 2> square_root(Pack<double, 2> a) {
  return _mm_sqrt_pd(a.v);
}
#  if defined(__AVX2__)
SCALOSS_FN Pack<float, 8> square_root(Pack<float, 8> a) {
  return _mm256_sqrt_ps(a.v);
}
SCALOSS_FN Pack<double, 4> square_root(Pack<double, 4> a) {
  return _mm256_sqrt_pd(a.v);
}
#  endif
#  if defined(__AVX512F__)
// The masked forms: GCC 12 warns of an uninitialised variable in its own header for the plain ones.
SCALOSS_FN Pack<float, 16> square_root(Pack<float, 16> a) {
  return _mm512_maskz_sqrt_ps(0xffff, a.v);
}
SCALOSS_FN Pack<double, 8> square_root(Pack<double, 8> a) {
  return _mm512_maskz_sqrt_pd(0xff, a.v);
}
#  endif
#elif defined(__aarch64__)
SCALOSS_FN Pack<float, 4> square_root(Pack<float, 4> a) {
  return vsqrtq_f32(a.v);
}
SCALOSS_FN Pack<double, 2> square_root(Pack<double, 2> a) {
  return vsqrtq_f64(a.v);
}
#endif

}  // namespace scaloss
