import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// The configuration for test/sanitize/sanitize.mjs, which describes what the processes of the suites need and builds
// what they run. Only these processes run with a sanitizer, vitest does not.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/**/*.test.ts'],
    // The addons with sanitizers are for the CPU alone; the CUDA rooms have suites of the same names.
    exclude: ['test/cuda/**'],
    pool: 'forks',
    env: JSON.parse(process.env.SANITIZER_ENV ?? '{}'),
    testTimeout: 120_000,
  },
})
