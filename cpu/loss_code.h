// Chooses the code for a loss, and the pack type that this code uses as its number type.
#pragma once

#include "../core/any_loss.h"
#include "pack.h"

namespace scaloss {
namespace {

// Losses of two axes in packs of float32 have code for each loss. AnyLoss serves the rest: float64, which is for
// checks, three axes, and the scalar level, which tests compare the other levels with.
template <class Loss, int D, class N>
struct LossCode {
  using type = AnyLoss;
};
template <class Loss, int W>
struct LossCode<Loss, 2, Pack<float, W>> {
  using type = Loss;
};

// The same numbers with a known range.
template <Range range, class T, int W>
SCALOSS_FN Pack<T, W, range> as(Pack<T, W> pack) {
  return pack.v;
}
template <Range range, class T, int W, int D>
SCALOSS_FN Box<Pack<T, W, range>, D> as(const Box<Pack<T, W>, D>& box) {
  Box<Pack<T, W, range>, D> same;
  for (int k = 0; k < D; ++k) {
    same.first[k] = box.first[k].v;
    same.second[k] = box.second[k].v;
  }
  return same;
}

// Code that computes one row at a time has one type for all ranges.
template <Range range, class N, int D>
SCALOSS_FN Box<N, D> as(const Box<N, D>& box) {
  return box;
}

SCALOSS_FN bool all(bool mask) {
  return mask;
}
template <class T, int W>
SCALOSS_FN bool all(PackMask<T, W> mask) {
  return mask.all();
}

}  // namespace
}  // namespace scaloss
