// The prebuilds of a release. npm run prebuild:pack makes them, and npm run release:check requires them.

/**
 * @typedef {object} Target
 * @property {'linux' | 'win32' | 'darwin'} platform
 * @property {'x64' | 'arm64'} arch
 * @property {'glibc' | 'musl'} [libc] of Linux
 * @property {string} [strip] the command, where the linker does not strip the file itself
 * @property {number} megabytes at most
 * @property {string[]} needs commands
 * @property {Record<string, string>} cmake options of CMake
 */

/** @param {string} file */
const toolchain = (file) => ({
  ...{ CMAKE_TOOLCHAIN_FILE: `${import.meta.dirname}/${file}` },
  ...{ SCALOSS_CUDA: 'OFF', SCALOSS_WERROR: 'ON' },
})
/** @param {string} target */
const zig = (target) => ({ ...toolchain('zig.cmake'), SCALOSS_ZIG_TARGET: target })

/** @type {Record<string, Target>} */
export const TARGETS = {
  'linux-x64-glibc': {
    ...{ platform: 'linux', arch: 'x64', libc: 'glibc', strip: 'strip', megabytes: 3.2, needs: ['g++', 'nvcc'] },
    cmake: {
      SCALOSS_OLD_GLIBC: 'ON',
      SCALOSS_CUDA: 'ON',
      // Code for the generations of GPUs that most have. PTX serves all others from Turing on: the driver compiles it
      // at the first call, and keeps it. A build from source has code for every generation.
      SCALOSS_CUDA_ARCHITECTURES: '80-real;90-real;120-real;75-virtual',
    },
  },
  'linux-x64-musl': {
    ...{ platform: 'linux', arch: 'x64', libc: 'musl', strip: 'strip', megabytes: 1.6, needs: ['zig'] },
    cmake: zig('x86_64-linux-musl'),
  },
  'linux-arm64-glibc': {
    ...{ platform: 'linux', arch: 'arm64', libc: 'glibc', strip: 'aarch64-linux-gnu-strip', megabytes: 0.7 },
    needs: ['aarch64-linux-gnu-g++', 'aarch64-linux-gnu-strip'],
    cmake: { ...toolchain('arm64.cmake'), SCALOSS_OLD_GLIBC: 'ON' },
  },
  'win32-x64': {
    ...{ platform: 'win32', arch: 'x64', megabytes: 1.7, needs: ['zig', 'llvm-objdump-19'] },
    cmake: zig('x86_64-windows-gnu'),
  },
  'darwin-x64': {
    ...{ platform: 'darwin', arch: 'x64', megabytes: 1.1, needs: ['zig', 'ld64.lld-19', 'llvm-objdump-19'] },
    cmake: zig('x86_64-macos.11.0-none'),
  },
  'darwin-arm64': {
    ...{ platform: 'darwin', arch: 'arm64', megabytes: 0.6, needs: ['zig', 'ld64.lld-19', 'llvm-objdump-19'] },
    cmake: zig('aarch64-macos.11.0-none'),
  },
}

/** Where a target's file lies in the package. */
export const prebuildOf = (/** @type {Target} */ { platform, arch, libc }) =>
  `prebuilds/${platform}-${arch}/${['scaloss', libc, 'node'].filter(Boolean).join('.')}`
