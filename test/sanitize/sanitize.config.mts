import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// For test/sanitize/sanitize.mjs, which says what the processes of the suites need and builds what they run. Only they run with a
// sanitizer: vitest itself is none of its business.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    env: JSON.parse(process.env.SANITIZER_ENV ?? '{}'),
    testTimeout: 120_000,
  },
})
