import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** Some tests compile or compute for seconds, and machines may be busy: this limit is for those that hang. */
const patience = { testTimeout: 60_000, hookTimeout: 60_000 }

/** Suites that take long without being what matters most; .ci/run runs them. */
const LONG = 'test/**/*.long.test.ts'

// The folder of a test and this ending determine which projects run it. test/README.md has a line on each folder.
export default defineConfig({
  test: {
    // One less by default, which on two processors is one.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'package',
          include: ['test/**/*.test.ts'],
          exclude: ['test/cuda/{device,emulator,gpu}/**', LONG],
          globalSetup: path('test/support/build.ts'),
          ...patience,
        },
      },
      {
        test: { name: 'long', include: [LONG], globalSetup: path('test/support/build.ts'), ...patience },
      },
      {
        // The CUDA backend and its kernels, on the CPU (test/cuda/emulator/README.md).
        test: {
          name: 'emulated CUDA',
          include: ['test/cuda/{device,emulator}/**/*.test.ts', 'test/golden/*.test.ts'],
          exclude: [LONG],
          globalSetup: path('test/cuda/emulator/build.ts'),
          env: { SCALOSS_PREBUILD: path('build/emulator') },
          ...patience,
        },
      },
      {
        // The kernels on a GPU; without one every test is skipped (docs/gpu.md).
        test: {
          name: 'GPU',
          include: ['test/cuda/{device,gpu}/**/*.test.ts', 'test/{backends,golden}/*.test.ts'],
          exclude: [LONG],
          globalSetup: path('test/cuda/gpu/find-device.ts'),
          setupFiles: path('test/cuda/gpu/setup.ts'),
          testTimeout: 120_000,
        },
      },
    ],
  },
})
