// The kernels that few calls need: float64, which is for checks, three axes, and 16-bit storage. The addon holds them,
// like those of pairwise.cu, as PTX alone, which the driver compiles at the first call: in machine code for every
// generation of GPUs they would be most of the addon.
#pragma once

#include "box_loss.cuh"

namespace scaloss {

template <class S, int D>
static BoxLossKernel<S> any_kernel(Pass pass) {
  return pass == Pass::forward ? kernel_for<AnyLoss, D, Pass::forward, S>() : kernel_for<AnyLoss, D, Pass::fused, S>();
}

}  // namespace scaloss
