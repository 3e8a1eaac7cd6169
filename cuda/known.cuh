// A number of a pair that is known to be in a range (core/number.h). Threads compute regular pairs with this type. On
// the CPU, the pack type carries the same knowledge.
#pragma once

#include "../core/number.h"

namespace scaloss {

template <class T, Range range>
struct Known {
  T value;

  SCALOSS_FN Known() {}
  SCALOSS_FN explicit Known(T x) : value(x) {}
  SCALOSS_FN explicit operator T() const { return value; }

  friend SCALOSS_FN Known operator+(Known a, Known b) { return Known(a.value + b.value); }
  friend SCALOSS_FN Known operator-(Known a, Known b) { return Known(a.value - b.value); }
  friend SCALOSS_FN Known operator*(Known a, Known b) { return Known(a.value * b.value); }
  friend SCALOSS_FN Known operator/(Known a, Known b) { return Known(a.value / b.value); }
  friend SCALOSS_FN Known operator-(Known a) { return Known(-a.value); }
  friend SCALOSS_FN bool operator<(Known a, Known b) { return a.value < b.value; }
  friend SCALOSS_FN bool operator>(Known a, Known b) { return a.value > b.value; }
  friend SCALOSS_FN bool operator<=(Known a, Known b) { return a.value <= b.value; }
  friend SCALOSS_FN bool operator>=(Known a, Known b) { return a.value >= b.value; }
  friend SCALOSS_FN bool operator==(Known a, Known b) { return a.value == b.value; }

  friend SCALOSS_FN Known select(bool mask, Known a, Known b) { return Known(select(mask, a.value, b.value)); }
  friend SCALOSS_FN Known absolute(Known a) { return Known(absolute(a.value)); }
  friend SCALOSS_FN Known square_root(Known a) { return Known(square_root(a.value)); }
};

template <class T, Range range>
struct NumberOf<Known<T, range>> {
  using Storage = T;
  using Bits = typename Ieee<T>::Bits;
  using Mask = bool;
  static constexpr bool kRegular = range != Range::any, kOrdinary = range == Range::ordinary;
};

// The number type for pairs of a range.
template <class T, Range range>
struct KnownNumber {
  using type = Known<T, range>;
};
template <class T>
struct KnownNumber<T, Range::any> {
  using type = T;
};

}  // namespace scaloss
