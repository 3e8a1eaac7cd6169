// node test/package/prebuilds/arm64.mjs, run after npm run prebuild:pack -- linux-arm64-glibc, tests the prebuild on
// Node for arm64.
import { compare } from './compare.mjs'
import { EMULATED_NODE, NODE } from './qemu.mjs'

compare('linux-arm64-glibc', NODE, ['scalar', 'baseline'], () => [EMULATED_NODE])
