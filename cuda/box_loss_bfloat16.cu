#include "box_loss_rare.cuh"

namespace scaloss {

template <>
BoxLossKernel<BFloat16> rare_kernel(int axes, Pass pass) {
  return axes == 2 ? any_kernel<BFloat16, 2>(pass) : any_kernel<BFloat16, 3>(pass);
}

}  // namespace scaloss
