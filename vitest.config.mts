import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'package', include: ['test/*.test.ts'], globalSetup: path('test/support/build.ts') } },
      {
        // The CUDA backend and its kernels, on the CPU (test/emulator/README.md).
        test: {
          name: 'emulated CUDA',
          include: ['test/emulator/*.test.ts', 'test/golden.test.ts'],
          globalSetup: path('test/emulator/build.ts'),
          env: { SCALOSS_PREBUILD: path('build/emulator') },
        },
      },
    ],
  },
})
