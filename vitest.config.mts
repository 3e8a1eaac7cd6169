import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** Suites over every backend that runs here. */
const EVERY_BACKEND = [
  ...[
    'backends-agree',
    'bad-input',
    'batches',
    'conventions',
    'edge-cases',
    'extreme-boxes',
    'golden',
    'gradient',
    'invalid-boxes',
    'inverted-boxes',
  ],
  ...['options', 'pairwise', 'properties', 'results'],
]

/** Some tests compile or compute for seconds, and machines may be busy: this is for those that hang. */
const patience = { testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    // One less by default, which on two processors is one.
    maxWorkers: '100%',
    projects: [
      {
        test: { name: 'package', include: ['test/*.test.ts'], globalSetup: path('test/support/build.ts'), ...patience },
      },
      {
        // The CUDA backend and its kernels, on the CPU (test/emulator/README.md).
        test: {
          name: 'emulated CUDA',
          include: ['test/emulator/*.test.ts', 'test/golden.test.ts'],
          globalSetup: path('test/emulator/build.ts'),
          env: { SCALOSS_PREBUILD: path('build/emulator') },
          ...patience,
        },
      },
      {
        // The kernels on a GPU; without one every test is skipped (docs/gpu.md).
        test: {
          name: 'GPU',
          include: [
            'test/gpu/*.test.ts',
            'test/emulator/{kernels,pairwise,tensors,streams,tensor-errors,host-arrays,lifecycle}.test.ts',
            `test/{${EVERY_BACKEND.join()}}.test.ts`,
          ],
          globalSetup: path('test/gpu/find-device.ts'),
          setupFiles: path('test/gpu/setup.ts'),
          testTimeout: 120_000,
        },
      },
    ],
  },
})
