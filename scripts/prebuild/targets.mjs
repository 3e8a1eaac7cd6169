// The prebuilds of a release: npm run prebuild:pack makes them, npm run release:check asks for them.

/**
 * @typedef {object} Target
 * @property {string} arch
 * @property {'glibc' | 'musl'} libc
 * @property {string} strip
 * @property {number} megabytes at most
 * @property {string[]} needs commands
 */

/** @type {Record<string, Target>} */
export const TARGETS = {
  'linux-x64-glibc': { arch: 'x64', libc: 'glibc', strip: 'strip', megabytes: 3.3, needs: ['g++', 'nvcc'] },
  'linux-x64-musl': { arch: 'x64', libc: 'musl', strip: 'strip', megabytes: 2.5, needs: ['gcc', 'zig'] },
  'linux-arm64-glibc': {
    ...{ arch: 'arm64', libc: 'glibc', strip: 'aarch64-linux-gnu-strip', megabytes: 0.7 },
    needs: ['aarch64-linux-gnu-g++', 'aarch64-linux-gnu-strip'],
  },
}

/** Where a target's file lies in the package. */
export const prebuildOf = (/** @type {Target} */ { arch, libc }) => `prebuilds/linux-${arch}/scaloss.${libc}.node`
