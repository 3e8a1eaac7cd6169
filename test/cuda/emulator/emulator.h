// Runs CUDA kernels on the CPU: one fiber for each CUDA thread, all blocks of a grid at once. A fiber runs until it
// meets a barrier, a shuffle or an atomic; which one runs next is the schedule. See README.md.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>

#define __global__
#define __launch_bounds__(...)
#define __grid_constant__

struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) double2 {
  double x, y;
};
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}
struct alignas(8) uint2 {
  unsigned x, y;
};
inline uint2 make_uint2(unsigned x, unsigned y) {
  return {x, y};
}
inline float2 make_float2(float x, float y) {
  return {x, y};
}
inline double2 make_double2(double x, double y) {
  return {x, y};
}

namespace emulator {

struct Index {
  unsigned x;
};

// Of the fiber that runs.
Index thread_index();
Index block_index();
Index grid_size();

// Lets other fibers run.
void yield();
void barrier();
// Every lane of the warp that `mask` names gives a value and gets that of lane (its own ^ offset).
double shuffle_xor(unsigned mask, double value, int offset);

// Memory of the running block for one SCALOSS_SHARED line, full of NaN until the block writes it.
void* shared_memory(const void* line, size_t bytes);

// Fails the launch.
[[noreturn]] void fail(const char* why);

// Runs all threads of a grid to their end. Returns why that failed, or null.
const char* run_grid(unsigned grid, unsigned block, const std::function<void()>& thread);

// Enqueues that (runtime.cpp). cudaGetLastError() has what is wrong with the call; the next call that waits has a
// failure of the grid, cudaErrorLaunchFailure.
void launch(unsigned grid, unsigned block, cudaStream_t stream, std::function<void()> thread);

// The number of blocks to launch where the kernel's code asks for `grid`.
unsigned grid_override(unsigned grid);

template <class T>
T load(const T* address) {
  if (reinterpret_cast<uintptr_t>(address) % alignof(T) != 0) fail("misaligned load");
  return *address;
}

}  // namespace emulator

#define threadIdx (emulator::thread_index())
#define blockIdx (emulator::block_index())
#define gridDim (emulator::grid_size())
#define __syncthreads() emulator::barrier()
#define __shfl_xor_sync(mask, value, offset) emulator::shuffle_xor(mask, value, offset)
#define __ldcs(address) emulator::load(address)
#define SCALOSS_SHARED(T, name, count) \
  static const char name##_line = 0;   \
  T(&name)[count] = *static_cast<T(*)[count]>(emulator::shared_memory(&name##_line, sizeof(T) * (count)))

inline unsigned long long atomicAdd(unsigned long long* address, unsigned long long operand) {
  emulator::yield();
  const unsigned long long before = __atomic_fetch_add(address, operand, __ATOMIC_RELAXED);
  emulator::yield();
  return before;
}

namespace scaloss {

template <class... Args>
void launch_kernel(void (*kernel)(Args...), unsigned grid, unsigned block, cudaStream_t stream, const Args&... args) {
  emulator::launch(grid, block, stream, [=] { kernel(args...); });
}

inline unsigned grid_of(int64_t blocks) {
  return emulator::grid_override(unsigned(blocks));
}

}  // namespace scaloss
