#include "box_loss_rare.cuh"

namespace scaloss {

template <>
BoxLossKernel<double> rare_kernel(int axes, Pass pass) {
  return axes == 2 ? any_kernel<double, 2>(pass) : any_kernel<double, 3>(pass);
}

}  // namespace scaloss
