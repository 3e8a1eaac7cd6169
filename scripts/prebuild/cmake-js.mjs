#!/usr/bin/env node
// What prebuildify calls in the place of node-gyp. Of its arguments --target and --devdir mean something else to cmake-js.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const { PREBUILD_PLATFORM, PREBUILD_ARCH, PREBUILD_LIBC } = process.env
const toolchain = path(`${PREBUILD_PLATFORM}-${PREBUILD_ARCH}-${PREBUILD_LIBC}.cmake`)
const options = ['--directory', path('../..'), '--out', 'build', '--arch', PREBUILD_ARCH, `--CDCMAKE_TOOLCHAIN_FILE=${toolchain}`]
execFileSync(path('../../node_modules/.bin/cmake-js'), ['compile', ...options], { stdio: 'inherit' })
