#!/usr/bin/env node
// What prebuildify calls in the place of node-gyp. Of its arguments, --target and --devdir mean something else to
// cmake-js.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { TARGETS } from './targets.mjs'

const { PREBUILD_PLATFORM = '', PREBUILD_ARCH = '', PREBUILD_LIBC = '' } = process.env
const root = join(import.meta.dirname, '../..')
const libc = PREBUILD_PLATFORM === 'linux' ? [PREBUILD_LIBC] : []
const { cmake = {} } = TARGETS[[PREBUILD_PLATFORM, PREBUILD_ARCH, ...libc].join('-')] ?? {}
const options = Object.entries(cmake).map(([name, value]) => `--CD${name}=${value}`)
const command = ['compile', '--directory', root, '--out', 'build', '--arch', PREBUILD_ARCH, ...options]
execFileSync(join(root, 'node_modules/.bin/cmake-js'), command, { stdio: 'inherit' })
