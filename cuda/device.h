// The few language elements of CUDA that plain C++ lacks, so that the sources of the kernels also run under the
// emulator of test/cuda/emulator.
#pragma once

#include <cstdint>

#include "../core/function.h"

#if defined(__CUDACC__)
#  define SCALOSS_DEVICE __device__ __forceinline__
#  define SCALOSS_SHARED(T, name, count) __shared__ T name[count]
#  define SCALOSS_PRAGMA(text) _Pragma(text)

namespace scaloss {

template <class... Args>
void launch_kernel(void (*kernel)(Args...), unsigned grid, unsigned block, cudaStream_t stream, const Args&... args) {
  kernel<<<grid, block, 0, stream>>>(args...);
}

// The number of blocks to launch if `blocks` are asked for. Tests run other numbers.
inline unsigned grid_of(int64_t blocks) {
  return unsigned(blocks);
}

}  // namespace scaloss

#elif defined(SCALOSS_EMULATED)
#  define SCALOSS_DEVICE SCALOSS_FN
#  define SCALOSS_PRAGMA(text)
#  include "emulator.h"
#endif
