// The prebuilds of a release. npm run prebuild:pack makes them, and npm run release:check requires them.

/**
 * @typedef {object} Target
 * @property {string} arch
 * @property {'glibc' | 'musl'} libc
 * @property {string} strip
 * @property {number} megabytes at most
 * @property {string[]} needs commands
 * @property {Record<string, string>} cmake options of CMake
 */

/** @param {string} file */
const toolchain = (file) => ({ CMAKE_TOOLCHAIN_FILE: `${import.meta.dirname}/${file}`, SCALOSS_CUDA: 'OFF' })

/** @type {Record<string, Target>} */
export const TARGETS = {
  'linux-x64-glibc': {
    ...{ arch: 'x64', libc: 'glibc', strip: 'strip', megabytes: 3.2, needs: ['g++', 'nvcc'] },
    cmake: {
      SCALOSS_OLD_GLIBC: 'ON',
      SCALOSS_CUDA: 'ON',
      // Code for the generations of GPUs that most have. PTX serves all others from Turing on: the driver compiles it
      // at the first call, and keeps it. A build from source has code for every generation.
      SCALOSS_CUDA_ARCHITECTURES: '80-real;90-real;120-real;75-virtual',
    },
  },
  'linux-x64-musl': {
    ...{ arch: 'x64', libc: 'musl', strip: 'strip', megabytes: 1.7, needs: ['gcc', 'zig'] },
    cmake: toolchain('musl-x64.cmake'),
  },
  'linux-arm64-glibc': {
    ...{ arch: 'arm64', libc: 'glibc', strip: 'aarch64-linux-gnu-strip', megabytes: 0.7 },
    needs: ['aarch64-linux-gnu-g++', 'aarch64-linux-gnu-strip'],
    cmake: { ...toolchain('arm64.cmake'), SCALOSS_OLD_GLIBC: 'ON', SCALOSS_WERROR: 'ON' },
  },
}

/** Where a target's file lies in the package. */
export const prebuildOf = (/** @type {Target} */ { arch, libc }) => `prebuilds/linux-${arch}/scaloss.${libc}.node`
