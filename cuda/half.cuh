// Converts between the numbers that arrays store and those that threads compute with (core/storage.h). For binary16 it
// uses instructions of the GPU. The emulator has the portable code for all types.
#pragma once

#include "../core/storage.h"
#include "device.h"

namespace scaloss {

template <class S>
SCALOSS_DEVICE auto from_stored(S x) {
  return widen(x);
}
// S, the stored type, is named by the caller: to_stored<Float16>(x).
template <class S>
struct ToStored {
  template <class T>
  static SCALOSS_DEVICE S of(T x) {
    return narrow<S>(x);
  }
};

#if defined(__CUDACC__)
SCALOSS_DEVICE float from_stored(Float16 x) {
  float wide;
  asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x.bits));
  return wide;
}
template <>
struct ToStored<Float16> {
  static SCALOSS_DEVICE Float16 of(float x) {
    Float16 stored;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(stored.bits) : "f"(x));
    return stored;
  }
};
#endif

template <class S, class T>
SCALOSS_DEVICE S to_stored(T x) {
  return ToStored<S>::of(x);
}

// Two 16-bit numbers in one word, the first in the low half.
template <class S>
SCALOSS_DEVICE void unpack(uint32_t word, float* two) {
  two[0] = from_stored(S{uint16_t(word)});
  two[1] = from_stored(S{uint16_t(word >> 16)});
}
template <class S>
SCALOSS_DEVICE uint32_t packed(const float* two) {
  return to_stored<S>(two[0]).bits | uint32_t(to_stored<S>(two[1]).bits) << 16;
}

}  // namespace scaloss
