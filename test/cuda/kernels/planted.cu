// Kernels with one fault each, which the gate of that name must see; and one without.
namespace scaloss {

__global__ void faultless_kernel(float* x) {
  x[threadIdx.x] = x[0] * x[1] + x[3] / sqrtf(x[2]);
}

__global__ void contraction_kernel(float* x) {
  x[0] = fmaf(x[1], x[2], x[3]);
}

// ptxas may fuse the two.
__global__ void unrounded_kernel(float* x) {
  asm("{ .reg .f32 p; mul.f32 p, %1, %2; add.f32 %0, p, %3; }" : "=f"(x[0]) : "f"(x[1]), "f"(x[2]), "f"(x[3]));
}

__global__ void approximation_kernel(float* x) {
  x[0] = __fdividef(x[1], x[2]);
}

__global__ void flush_kernel(float* x) {
  asm("add.rn.ftz.f32 %0, %1, %2;" : "=f"(x[0]) : "f"(x[1]), "f"(x[2]));
}

__global__ void local_kernel(float* x, const int* at) {
  float values[64];
  for (int i = 0; i < 64; ++i) values[at[i]] = x[i];
  for (int i = 0; i < 64; ++i) x[i] = values[at[64 + i]];
}

// 32 registers a thread, for 48 values at a time.
__global__ void __launch_bounds__(1024, 2) spill_kernel(float* x) {
  float values[48];
#pragma unroll
  for (int i = 0; i < 48; ++i) values[i] = x[threadIdx.x + i * 1024];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 48; ++i) x[threadIdx.x * 48 + i] = values[(i * 7 + 5) % 48] * values[i];
}

__global__ void float_atomic_kernel(float* x) {
  atomicAdd(x, x[threadIdx.x]);
}

__global__ void compare_and_swap_kernel(unsigned long long* x) {
  for (unsigned long long seen = *x, was = 0; seen != was;) {
    was = seen;
    seen = atomicCAS(x, was, __double_as_longlong(__longlong_as_double(was) + 1));
  }
}

__global__ void shuffle_kernel(float* x) {
  x[threadIdx.x] = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 1);
}

// Boxes of two axes, but four numbers at a time.
template <int D, class T>
__global__ void narrow_kernel(const T* boxes, T* out) {
  for (int k = 0; k < 4; ++k) out[k] = __ldcs(boxes + k);
}
template __global__ void narrow_kernel<2, float>(const float*, float*);

template <int D, class T>
__global__ void cached_kernel(const float4* boxes, float4* out) {
  out[0] = __ldcs(boxes);
  out[1] = __ldcs(boxes + 1);
  out[2] = boxes[2];
}
template __global__ void cached_kernel<2, float>(const float4*, float4*);

}  // namespace scaloss
