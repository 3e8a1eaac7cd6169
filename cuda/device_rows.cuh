// Moves rows of boxes between device memory and registers.
#pragma once

#include "../core/formats.h"
#include "half.cuh"

namespace scaloss {

// Picks a function by the number of axes.
template <int D>
struct AxesCount {};

// Inputs are read once: streaming loads (.cs) keep them from pushing out what the cache holds for the next kernel.
SCALOSS_DEVICE Row<float> load_row(const float* rows, int64_t row, AxesCount<2>) {
  const float4 q = __ldcs(reinterpret_cast<const float4*>(rows) + row);
  return {{q.x, q.y, q.z, q.w}};
}
SCALOSS_DEVICE Row<double> load_row(const double* rows, int64_t row, AxesCount<2>) {
  const double2* halves = reinterpret_cast<const double2*>(rows) + 2 * row;
  const double2 a = __ldcs(halves), b = __ldcs(halves + 1);
  return {{a.x, a.y, b.x, b.y}};
}
// In float32, rows of six numbers are not aligned to 16 bytes, but pairs of numbers are aligned to 8.
SCALOSS_DEVICE Row<float, 3> load_row(const float* rows, int64_t row, AxesCount<3>) {
  const float2* pairs = reinterpret_cast<const float2*>(rows) + 3 * row;
  const float2 a = __ldcs(pairs), b = __ldcs(pairs + 1), c = __ldcs(pairs + 2);
  return {{a.x, a.y, b.x, b.y, c.x, c.y}};
}
SCALOSS_DEVICE Row<double, 3> load_row(const double* rows, int64_t row, AxesCount<3>) {
  const double2* pairs = reinterpret_cast<const double2*>(rows) + 3 * row;
  const double2 a = __ldcs(pairs), b = __ldcs(pairs + 1), c = __ldcs(pairs + 2);
  return {{a.x, a.y, b.x, b.y, c.x, c.y}};
}
// 16-bit numbers are loaded and stored in pairs, one word of memory each.
template <class S, int D>
SCALOSS_DEVICE Row<float, D> load_row(const S* rows, int64_t row, AxesCount<D>) {
  const unsigned* words = reinterpret_cast<const unsigned*>(rows) + D * row;
  Row<float, D> wide;
  if constexpr (D == 2) {
    const uint2 both = __ldcs(reinterpret_cast<const uint2*>(words));
    unpack<S>(both.x, wide.at);
    unpack<S>(both.y, wide.at + 2);
  } else {
    for (int k = 0; k < D; ++k) unpack<S>(__ldcs(words + k), wide.at + 2 * k);
  }
  return wide;
}

// Loads one value per row.
SCALOSS_DEVICE float load_value(const float* values, int64_t row) {
  return __ldcs(values + row);
}
SCALOSS_DEVICE double load_value(const double* values, int64_t row) {
  return __ldcs(values + row);
}
template <class S>
SCALOSS_DEVICE float load_value(const S* values, int64_t row) {
  return from_stored(S{__ldcs(reinterpret_cast<const uint16_t*>(values) + row)});
}

// Gradients are written without a cache hint, because the next kernel reads them.
SCALOSS_DEVICE void store_row(float* rows, int64_t row, const Row<float>& r) {
  reinterpret_cast<float4*>(rows)[row] = make_float4(r.at[0], r.at[1], r.at[2], r.at[3]);
}
SCALOSS_DEVICE void store_row(double* rows, int64_t row, const Row<double>& r) {
  double2* halves = reinterpret_cast<double2*>(rows) + 2 * row;
  halves[0] = make_double2(r.at[0], r.at[1]);
  halves[1] = make_double2(r.at[2], r.at[3]);
}
SCALOSS_DEVICE void store_row(float* rows, int64_t row, const Row<float, 3>& r) {
  float2* pairs = reinterpret_cast<float2*>(rows) + 3 * row;
  for (int k = 0; k < 3; ++k) pairs[k] = make_float2(r.at[2 * k], r.at[2 * k + 1]);
}
SCALOSS_DEVICE void store_row(double* rows, int64_t row, const Row<double, 3>& r) {
  double2* pairs = reinterpret_cast<double2*>(rows) + 3 * row;
  for (int k = 0; k < 3; ++k) pairs[k] = make_double2(r.at[2 * k], r.at[2 * k + 1]);
}
template <class S, int D>
SCALOSS_DEVICE void store_row(S* rows, int64_t row, const Row<float, D>& r) {
  unsigned* words = reinterpret_cast<unsigned*>(rows) + D * row;
  if constexpr (D == 2) {
    *reinterpret_cast<uint2*>(words) = make_uint2(packed<S>(r.at), packed<S>(r.at + 2));
  } else {
    for (int k = 0; k < D; ++k) words[k] = packed<S>(r.at + 2 * k);
  }
}

}  // namespace scaloss
