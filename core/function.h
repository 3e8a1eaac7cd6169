// How every function of core/ is declared. This is the only place in core/ that must know nvcc, because a function that
// both the host and a device call has to say so in its declaration.
//
// Every function is always inlined: a translation unit built for AVX-512 must not hand the linker a symbol that code
// for older CPUs could end up calling.
#pragma once

#if defined(__CUDACC__)
#  define SCALOSS_FN __host__ __device__ __forceinline__
#elif defined(_MSC_VER)
#  define SCALOSS_FN __forceinline
#else
#  define SCALOSS_FN inline __attribute__((always_inline))
#endif
