import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// The configuration for mutate.mjs: the suites that can find a fault in the TypeScript, run on the existing build.
const root = fileURLToPath(new URL('../..', import.meta.url))
const emulator = `${root}build/emulator`
const LONG = 'test/**/*.long.test.ts'

const shared = { root, testTimeout: 60_000, hookTimeout: 60_000 }
const projects = [
  {
    test: {
      ...shared,
      name: 'package',
      include: ['test/**/*.test.ts'],
      exclude: ['test/{bench,examples}/**', 'test/cuda/**', LONG],
    },
  },
  {
    test: {
      ...shared,
      name: 'emulated CUDA',
      include: ['test/cuda/{device,emulator}/**/*.test.ts'],
      exclude: ['test/cuda/emulator/check.test.ts'],
      env: { SCALOSS_PREBUILD: emulator },
    },
  },
]
export default defineConfig({ test: { root, projects: existsSync(emulator) ? projects : projects.slice(0, 1) } })
