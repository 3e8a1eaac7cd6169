#include "box_loss_rare.cuh"

namespace scaloss {

template <>
BoxLossKernel<Float16> rare_kernel(int axes, Pass pass) {
  return axes == 2 ? any_kernel<Float16, 2>(pass) : any_kernel<Float16, 3>(pass);
}

}  // namespace scaloss
