// A SIMD pack of W numbers by GCC/Clang vector extensions: what cuda/number.h asks of a number type. Packs of ordinary
// numbers (cuda/ordinary.h) are a type of their own.
// W * sizeof(T) is the register size of the level that the including file is compiled for.
#pragma once

#include "../../cuda/number.h"
#if defined(__x86_64__)
#  include <immintrin.h>
#elif defined(__aarch64__)
#  include <arm_neon.h>
#endif

namespace scaloss {

// What vector extensions lack: square roots, minima and maxima in one instruction, and the question whether all lanes
// of a mask are set. min is a < b ? a : b and max is a > b ? a : b, for NaN and equal numbers too: that is how x86
// defines them, and what number.h asks for.
template <int bytes>
struct Register;

#if defined(__x86_64__)
#  define SCALOSS_VECTOR_FUNCTIONS(Vector, prefix, type) \
    SCALOSS_FN Vector vector_sqrt(Vector a) {            \
      return prefix##_sqrt_##type(a);                    \
    }                                                    \
    SCALOSS_FN Vector vector_min(Vector a, Vector b) {   \
      return prefix##_min_##type(a, b);                  \
    }                                                    \
    SCALOSS_FN Vector vector_max(Vector a, Vector b) {   \
      return prefix##_max_##type(a, b);                  \
    }
SCALOSS_VECTOR_FUNCTIONS(__m128, _mm, ps)
SCALOSS_VECTOR_FUNCTIONS(__m128d, _mm, pd)
template <>
struct Register<16> {
  using Bits = __m128i;
  static SCALOSS_FN bool all(Bits mask) { return _mm_movemask_epi8(mask) == 0xffff; }
};
#  if defined(__AVX2__)
SCALOSS_VECTOR_FUNCTIONS(__m256, _mm256, ps)
SCALOSS_VECTOR_FUNCTIONS(__m256d, _mm256, pd)
template <>
struct Register<32> {
  using Bits = __m256i;
  static SCALOSS_FN bool all(Bits mask) { return _mm256_movemask_epi8(mask) == -1; }
};
#  endif
#  if defined(__AVX512F__)
SCALOSS_VECTOR_FUNCTIONS(__m512, _mm512, ps)
SCALOSS_VECTOR_FUNCTIONS(__m512d, _mm512, pd)
template <>
struct Register<64> {
  using Bits = __m512i;
  static SCALOSS_FN bool all(Bits mask) { return _mm512_movepi32_mask(mask) == 0xffff; }
};
#  endif
#elif defined(__aarch64__)
// NEON's own minima and maxima treat NaN differently.
#  define SCALOSS_VECTOR_FUNCTIONS(Vector, type)       \
    SCALOSS_FN Vector vector_sqrt(Vector a) {          \
      return vsqrtq_##type(a);                         \
    }                                                  \
    SCALOSS_FN Vector vector_min(Vector a, Vector b) { \
      return a < b ? a : b;                            \
    }                                                  \
    SCALOSS_FN Vector vector_max(Vector a, Vector b) { \
      return a > b ? a : b;                            \
    }
SCALOSS_VECTOR_FUNCTIONS(float32x4_t, f32)
SCALOSS_VECTOR_FUNCTIONS(float64x2_t, f64)
template <>
struct Register<16> {
  using Bits = uint32x4_t;
  static SCALOSS_FN bool all(Bits mask) { return vminvq_u32(mask) == 0xffffffffu; }
};
#endif

template <class T, int W>
struct VectorOf {
  typedef T type __attribute__((vector_size(W * sizeof(T))));
};

template <class T, int W, bool ordinary = false>
struct Pack {
  using Vector = typename VectorOf<T, W>::type;
  using BitVector = typename VectorOf<typename Ieee<T>::Bits, W>::type;

  struct Mask {
    BitVector bits;  // all ones or all zeros in each lane
    SCALOSS_FN Mask() {}
    SCALOSS_FN explicit Mask(bool all) : bits(BitVector{} - typename Ieee<T>::Bits(all)) {}
    SCALOSS_FN explicit Mask(BitVector b) : bits(b) {}
    SCALOSS_FN bool all() const {
      using R = Register<sizeof(BitVector)>;
      return R::all((typename R::Bits)bits);
    }
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

  friend SCALOSS_FN Pack smaller(Pack a, Pack b) { return vector_min(a.v, b.v); }
  friend SCALOSS_FN Pack larger(Pack a, Pack b) { return vector_max(a.v, b.v); }
  friend SCALOSS_FN Pack square_root(Pack a) { return vector_sqrt(a.v); }
  friend SCALOSS_FN Pack select(Mask mask, Pack a, Pack b) { return mask.bits ? a.v : b.v; }
  friend SCALOSS_FN Pack absolute(Pack a) { return (Vector)((BitVector)a.v & ~((BitVector)(-Vector{}))); }
};

template <class T, int W, bool ordinary>
struct NumberOf<Pack<T, W, ordinary>> {
  using Storage = T;
  using Bits = typename Pack<T, W, ordinary>::BitVector;
  using Mask = typename Pack<T, W, ordinary>::Mask;
  static constexpr bool kOrdinary = ordinary;
};

}  // namespace scaloss
