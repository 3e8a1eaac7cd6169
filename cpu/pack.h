// A SIMD pack of W numbers by GCC/Clang vector extensions. It provides what core/number.h asks of a number type. Packs
// of a known range (core/number.h) are separate types. W * sizeof(T) is the register size of the level that the
// including file is compiled for.
#pragma once

#include "../core/number.h"
#if defined(__x86_64__)
#  include <immintrin.h>
#elif defined(__aarch64__)
#  include <arm_neon.h>
#elif defined(__wasm_simd128__)
#  include <wasm_simd128.h>
#endif

namespace scaloss {

// What vector extensions lack: square roots, minima and maxima in one instruction, a test whether all lanes of a mask
// are set, stores past the caches (to aligned addresses), and AVX-512's masks with one bit per lane. min is a < b ? a :
// b and max is a > b ? a : b, also for NaN and equal numbers. x86 defines them like this, and number.h asks for it.
template <int bytes>
struct Register;

#if defined(__x86_64__)
#  define SCALOSS_VECTOR_FUNCTIONS(T, Vector, prefix, type) \
    SCALOSS_FN Vector vector_sqrt(Vector a) {               \
      return prefix##_sqrt_##type(a);                       \
    }                                                       \
    SCALOSS_FN Vector vector_min(Vector a, Vector b) {      \
      return prefix##_min_##type(a, b);                     \
    }                                                       \
    SCALOSS_FN Vector vector_max(Vector a, Vector b) {      \
      return prefix##_max_##type(a, b);                     \
    }                                                       \
    SCALOSS_FN void vector_stream(T* p, Vector a) {         \
      prefix##_stream_##type(p, a);                         \
    }
SCALOSS_VECTOR_FUNCTIONS(float, __m128, _mm, ps)
SCALOSS_VECTOR_FUNCTIONS(double, __m128d, _mm, pd)
template <>
struct Register<16> {
  using Bits = __m128i;
  static SCALOSS_FN bool all(Bits mask) { return _mm_movemask_epi8(mask) == 0xffff; }
};
#  if defined(__AVX2__)
SCALOSS_VECTOR_FUNCTIONS(float, __m256, _mm256, ps)
SCALOSS_VECTOR_FUNCTIONS(double, __m256d, _mm256, pd)
template <>
struct Register<32> {
  using Bits = __m256i;
  static SCALOSS_FN bool all(Bits mask) { return _mm256_movemask_epi8(mask) == -1; }
};
#  endif
#  if defined(__AVX512F__)
SCALOSS_VECTOR_FUNCTIONS(float, __m512, _mm512, ps)
SCALOSS_VECTOR_FUNCTIONS(double, __m512d, _mm512, pd)
#  endif
#elif defined(__aarch64__)
// NEON's own minima and maxima treat NaN differently; it has no stores past the caches.
#  define SCALOSS_VECTOR_FUNCTIONS(T, Vector, type)    \
    SCALOSS_FN Vector vector_sqrt(Vector a) {          \
      return vsqrtq_##type(a);                         \
    }                                                  \
    SCALOSS_FN Vector vector_min(Vector a, Vector b) { \
      return a < b ? a : b;                            \
    }                                                  \
    SCALOSS_FN Vector vector_max(Vector a, Vector b) { \
      return a > b ? a : b;                            \
    }                                                  \
    SCALOSS_FN void vector_stream(T* p, Vector a) {    \
      memcpy(p, &a, sizeof a);                         \
    }
SCALOSS_VECTOR_FUNCTIONS(float, float32x4_t, f32)
SCALOSS_VECTOR_FUNCTIONS(double, float64x2_t, f64)
template <>
struct Register<16> {
  using Bits = uint32x4_t;
  static SCALOSS_FN bool all(Bits mask) { return vminvq_u32(mask) == 0xffffffffu; }
};
#elif defined(__wasm_simd128__)
// wasm's pmin(b, a) is a < b ? a : b, and pmax(b, a) is a > b ? a : b. It has no stores past the caches.
#  define SCALOSS_VECTOR_FUNCTIONS(T, W, type)                  \
    typedef T T##x##W __attribute__((vector_size(16)));         \
    SCALOSS_FN T##x##W vector_sqrt(T##x##W a) {                 \
      return (T##x##W)wasm_##type##_sqrt((v128_t)a);            \
    }                                                           \
    SCALOSS_FN T##x##W vector_min(T##x##W a, T##x##W b) {       \
      return (T##x##W)wasm_##type##_pmin((v128_t)b, (v128_t)a); \
    }                                                           \
    SCALOSS_FN T##x##W vector_max(T##x##W a, T##x##W b) {       \
      return (T##x##W)wasm_##type##_pmax((v128_t)b, (v128_t)a); \
    }                                                           \
    SCALOSS_FN void vector_stream(T* p, T##x##W a) {            \
      memcpy(p, &a, sizeof a);                                  \
    }
SCALOSS_VECTOR_FUNCTIONS(float, 4, f32x4)
SCALOSS_VECTOR_FUNCTIONS(double, 2, f64x2)
template <>
struct Register<16> {
  using Bits = v128_t;
  static SCALOSS_FN bool all(Bits mask) { return wasm_i32x4_all_true(mask); }
};
#endif

template <class T, int W>
struct VectorOf {
  typedef T type __attribute__((vector_size(W * sizeof(T))));
};

// The result of comparing two vectors lane by lane: each lane is all ones or all zeros.
template <class T, int W>
struct PackMask {
  using Vector = typename VectorOf<T, W>::type;
  using Bits = typename VectorOf<typename Ieee<T>::Bits, W>::type;
  Bits bits;
  SCALOSS_FN PackMask() {}
  SCALOSS_FN explicit PackMask(bool all) : bits(Bits{} - typename Ieee<T>::Bits(all)) {}
  SCALOSS_FN explicit PackMask(Bits b) : bits(b) {}
  SCALOSS_FN bool all() const {
    using R = Register<sizeof(Bits)>;
    return R::all((typename R::Bits)bits);
  }
  SCALOSS_FN Vector blend(Vector if_set, Vector otherwise) const { return bits ? if_set : otherwise; }
  static SCALOSS_FN PackMask less(Vector a, Vector b) { return PackMask(a < b); }
  static SCALOSS_FN PackMask less_or_equal(Vector a, Vector b) { return PackMask(a <= b); }
  static SCALOSS_FN PackMask equal(Vector a, Vector b) { return PackMask(a == b); }

  // Rows are counted in each lane, so that the loop contains no sum across lanes.
  using Count = Bits;
  static SCALOSS_FN void add(Count& count, PackMask mask) { count -= mask.bits; }
  static SCALOSS_FN int64_t total(Count count) {
    int64_t total = 0;
    for (int i = 0; i < W; ++i) total += count[i];
    return total;
  }
};

#if defined(__AVX512F__)
// Masks with one bit per lane, which have separate registers.
#  define SCALOSS_BIT_MASK(T, W, BitsType, suffix)                                                         \
    template <>                                                                                            \
    struct PackMask<T, W> {                                                                                \
      using Vector = typename VectorOf<T, W>::type;                                                        \
      BitsType bits;                                                                                       \
      SCALOSS_FN PackMask() {}                                                                             \
      SCALOSS_FN explicit PackMask(bool all) : bits(all ? BitsType(-1) : BitsType(0)) {}                   \
      SCALOSS_FN explicit PackMask(BitsType b) : bits(b) {}                                                \
      SCALOSS_FN bool all() const { return bits == BitsType(-1); }                                         \
      SCALOSS_FN Vector blend(Vector a, Vector b) const { return _mm512_mask_blend_##suffix(bits, b, a); } \
      static SCALOSS_FN PackMask less(Vector a, Vector b) {                                                \
        return PackMask(_mm512_cmp_##suffix##_mask(a, b, _CMP_LT_OQ));                                     \
      }                                                                                                    \
      static SCALOSS_FN PackMask less_or_equal(Vector a, Vector b) {                                       \
        return PackMask(_mm512_cmp_##suffix##_mask(a, b, _CMP_LE_OQ));                                     \
      }                                                                                                    \
      static SCALOSS_FN PackMask equal(Vector a, Vector b) {                                               \
        return PackMask(_mm512_cmp_##suffix##_mask(a, b, _CMP_EQ_OQ));                                     \
      }                                                                                                    \
      using Count = int64_t;                                                                               \
      static SCALOSS_FN void add(Count& count, PackMask mask) { count += __builtin_popcount(mask.bits); }  \
      static SCALOSS_FN int64_t total(Count count) { return count; }                                       \
    };
SCALOSS_BIT_MASK(float, 16, __mmask16, ps)
SCALOSS_BIT_MASK(double, 8, __mmask8, pd)
#endif

// These are not friends of the mask, so that each exists once for all kinds of masks.
template <class T, int W>
SCALOSS_FN PackMask<T, W> operator&(PackMask<T, W> a, PackMask<T, W> b) {
  return PackMask<T, W>(decltype(a.bits)(a.bits & b.bits));
}
template <class T, int W>
SCALOSS_FN PackMask<T, W> operator|(PackMask<T, W> a, PackMask<T, W> b) {
  return PackMask<T, W>(decltype(a.bits)(a.bits | b.bits));
}
template <class T, int W>
SCALOSS_FN PackMask<T, W> operator!(PackMask<T, W> a) {
  return PackMask<T, W>(decltype(a.bits)(~a.bits));
}

template <class T, int W, Range range = Range::any>
struct Pack {
  using Vector = typename VectorOf<T, W>::type;
  using BitVector = typename VectorOf<typename Ieee<T>::Bits, W>::type;
  using Mask = PackMask<T, W>;

  Vector v;

  SCALOSS_FN Pack() {}
  SCALOSS_FN Pack(Vector vector) : v(vector) {}
  SCALOSS_FN explicit Pack(T all) : v(all - Vector{}) {}

  friend SCALOSS_FN Pack operator+(Pack a, Pack b) { return a.v + b.v; }
  friend SCALOSS_FN Pack operator-(Pack a, Pack b) { return a.v - b.v; }
  friend SCALOSS_FN Pack operator*(Pack a, Pack b) { return a.v * b.v; }
  friend SCALOSS_FN Pack operator/(Pack a, Pack b) { return a.v / b.v; }
  friend SCALOSS_FN Pack operator-(Pack a) { return -a.v; }
  friend SCALOSS_FN Mask operator<(Pack a, Pack b) { return Mask::less(a.v, b.v); }
  friend SCALOSS_FN Mask operator>(Pack a, Pack b) { return Mask::less(b.v, a.v); }
  friend SCALOSS_FN Mask operator<=(Pack a, Pack b) { return Mask::less_or_equal(a.v, b.v); }
  friend SCALOSS_FN Mask operator>=(Pack a, Pack b) { return Mask::less_or_equal(b.v, a.v); }
  friend SCALOSS_FN Mask operator==(Pack a, Pack b) { return Mask::equal(a.v, b.v); }

  friend SCALOSS_FN Pack smaller(Pack a, Pack b) { return vector_min(a.v, b.v); }
  friend SCALOSS_FN Pack larger(Pack a, Pack b) { return vector_max(a.v, b.v); }
  friend SCALOSS_FN Pack square_root(Pack a) { return vector_sqrt(a.v); }
  friend SCALOSS_FN Pack select(Mask mask, Pack a, Pack b) { return mask.blend(a.v, b.v); }
  friend SCALOSS_FN Pack absolute(Pack a) { return (Vector)((BitVector)a.v & ~((BitVector)(-Vector{}))); }
};

template <class T, int W, Range range>
struct NumberOf<Pack<T, W, range>> {
  using Storage = T;
  using Bits = typename Pack<T, W, range>::BitVector;
  using Mask = typename Pack<T, W, range>::Mask;
  static constexpr bool kRegular = range != Range::any, kOrdinary = range == Range::ordinary;
};

}  // namespace scaloss
