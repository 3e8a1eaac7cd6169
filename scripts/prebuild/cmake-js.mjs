#!/usr/bin/env node
// What prebuildify calls in the place of node-gyp. Of its arguments, --target and --devdir mean something else to cmake-js.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const { PREBUILD_PLATFORM, PREBUILD_ARCH = '', PREBUILD_LIBC } = process.env
const root = join(import.meta.dirname, '../..')
const toolchain = join(import.meta.dirname, `${PREBUILD_PLATFORM}-${PREBUILD_ARCH}-${PREBUILD_LIBC}.cmake`)
const options = ['--out', 'build', '--arch', PREBUILD_ARCH, `--CDCMAKE_TOOLCHAIN_FILE=${toolchain}`]
execFileSync(join(root, 'node_modules/.bin/cmake-js'), ['compile', '--directory', root, ...options], {
  stdio: 'inherit',
})
