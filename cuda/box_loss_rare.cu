// The kernels that few calls need: float64, which is for checks, and three axes. The addon holds them, like those of
// pairwise.cu, as PTX alone, which the driver compiles at the first call: in machine code for every generation of GPUs
// they would be most of the addon.
#include "box_loss.cuh"

namespace scaloss {

template <class T, int D>
static BoxLossKernel<T> any_kernel(Pass pass) {
  return pass == Pass::forward ? box_loss_kernel<AnyLoss, D, Pass::forward, T>
                               : box_loss_kernel<AnyLoss, D, Pass::fused, T>;
}

template <>
BoxLossKernel<float> rare_kernel(int, Pass pass) {
  return any_kernel<float, 3>(pass);
}

template <>
BoxLossKernel<double> rare_kernel(int axes, Pass pass) {
  return axes == 2 ? any_kernel<double, 2>(pass) : any_kernel<double, 3>(pass);
}

}  // namespace scaloss
