// The kernels that few calls need: float64, which is for checks, three axes, and 16-bit storage. Like those of
// pairwise.cu, the addon holds them only as PTX, which the driver compiles at the first call. Machine code for every
// generation of GPUs would make up most of the addon.
#pragma once

#include "box_loss.cuh"

namespace scaloss {

template <class S, int D>
static BoxLossKernel<S> any_kernel(Pass pass) {
  return pass == Pass::forward ? kernel_for<AnyLoss, D, Pass::forward, S>() : kernel_for<AnyLoss, D, Pass::fused, S>();
}

}  // namespace scaloss
