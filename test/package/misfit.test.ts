import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BUILT, built, changed, folder, ON_WASM, PREBUILD, plant, run } from '../support/planted.js'

// Files that cannot be loaded as the addon: each is refused with its reason, and something else computes.
const OTHER_ARCH = process.arch === 'arm64' ? 62 : 183
const replaced = (from: string, to: string) => changed((bytes) => void bytes.write(to, bytes.indexOf(from), 'latin1'))

/** The addon with another number in a version that it asks for, and its hash, by which the loader compares. */
function newerGlibc(): Buffer {
  const hash = (name: string) =>
    [...name].reduce((h, c) => {
      const next = ((h << 4) + c.charCodeAt(0)) >>> 0
      const high = next & 0xf0000000
      return ((next ^ (high >>> 24)) & ~high) >>> 0
    }, 0)
  // Which versions a file asks for depends on how it was built; any of them will do.
  const [, old = 'none'] = /\0(GLIBC_2\.\d+)\0/.exec(built.toString('latin1')) ?? []
  const newer = old.replace('GLIBC_2', 'GLIBC_9')
  const numbers = (name: string) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(hash(name))
    return bytes
  }
  return changed((bytes) => {
    bytes.write(newer, bytes.indexOf(`\0${old}\0`) + 1, 'latin1')
    numbers(newer).copy(bytes, bytes.indexOf(numbers(old)))
  })
}

describe('a file that does not fit', () => {
  it.each<[string, Buffer, RegExp]>([
    ['empty', Buffer.alloc(0), /the file is empty/],
    ['a text', Buffer.from('<html>404</html>'), /not a shared library of Linux/],
    ['cut after a half', built.subarray(0, built.length / 2), /truncated: \d+ of at least \d+ bytes/],
    ['cut after its header', built.subarray(0, 64), /truncated: 64 of at least/],
    ['for another CPU', changed((bytes) => void bytes.writeUInt16LE(OTHER_ARCH, 18)), /built for \w+, this is \w+/],
    ['for musl', replaced('libc.so.6', 'libc.so\0\0'), /built for musl, this is glibc/],
    ['asking for a newer glibc', newerGlibc(), /GLIBC_9\.\d+' not found/],
  ])('%s: WebAssembly computes, with one warning; the CPU, asked for, is an error that says why', (_, bytes, why) => {
    plant(PREBUILD, bytes)
    const { available, reason, used, warnings, asked } = run()
    expect({ available, reason, used }).toEqual({ available: false, reason: 'misfit', used: ON_WASM })
    expect(warnings).toEqual([{ name: 'ScaLossWarning', code: 'SCALOSS_WASM_FALLBACK', message: asked.message }])
    expect(asked).toMatchObject({ code: 'ERR_SCALOSS_BACKEND_UNAVAILABLE', reason })
    expect(asked.message).toMatch(why)
    const { versions } = process
    for (const part of [
      BUILT,
      PREBUILD,
      `Node ${versions.node}`,
      `Node-API ${versions.napi}`,
      /glibc \d/,
      /npx cmake-js/,
    ])
      expect(asked.message).toMatch(part)
  })

  it('none: every place is named', () => {
    const { reason, used, warnings, asked } = run()
    expect({ reason, used, warnings }).toEqual({ reason: 'not-built', used: ON_WASM, warnings: [] })
    expect(asked.message).toContain(`${join(folder, PREBUILD)}: no such file`)
    expect(asked.message).toContain('prebuilds in the package: none')
  })

  it.each([
    ['has none', 'delete globalThis.WebAssembly', 'this host has no WebAssembly'],
    [
      'may not compile',
      "WebAssembly.Module = class { constructor() { throw new Error('no SIMD') } }",
      'the module cannot',
    ],
  ])('where WebAssembly %s, JavaScript computes, with one warning', (_, change, why) => {
    plant(PREBUILD, Buffer.alloc(0))
    plant('build/before.cjs', Buffer.from(change))
    const { reason, used, warnings, asked } = run({}, '--require', join(folder, 'build/before.cjs'))
    expect({ reason, used }).toEqual({ reason: 'misfit', used: ['js', 'js'] })
    expect(warnings).toMatchObject([{ name: 'ScaLossWarning', code: 'SCALOSS_JS_FALLBACK' }])
    expect(warnings[0].message).toMatch(`${asked.message}\nbackend 'wasm': ${why}`)
  })

  it('a wrong SCALOSS_PREBUILD is named, and nothing else is tried', () => {
    plant(PREBUILD, built)
    const { asked, used, warnings } = run({ SCALOSS_PREBUILD: '/nowhere' })
    expect({ used, codes: warnings.map(({ code }: { code: string }) => code) }).toEqual({
      used: ON_WASM,
      codes: ['SCALOSS_WASM_FALLBACK'],
    })
    expect(asked.message).toContain('/nowhere/build/Release/scaloss.node: no such file')
    expect(asked.message).toContain('SCALOSS_PREBUILD is "/nowhere": expected')
    expect(asked.message).not.toContain(`${PREBUILD}:`)
  })
})

describe('a file that does not fit, on a system that the process takes for', () => {
  /** A library for Windows with one section, as far as its headers say. */
  const pe = (machine: number, length = 1024) => {
    const bytes = Buffer.alloc(1024).fill(0xff, 64 + 24 + 240 + 40)
    bytes.write('MZ')
    bytes.writeUInt32LE(64, 60)
    bytes.write('PE', 64)
    bytes.writeUInt16LE(machine, 68)
    bytes.writeUInt16LE(1, 70)
    bytes.writeUInt16LE(240, 84)
    const section = 64 + 24 + 240
    bytes.writeUInt32LE(512, section + 16)
    bytes.writeUInt32LE(512, section + 20)
    return bytes.subarray(0, length)
  }
  /** A library for macOS with one segment, likewise. */
  const machO = (machine: number, length = 1024) => {
    const bytes = Buffer.alloc(1024).fill(0xff, 32 + 72)
    for (const [at, value] of [0xfeedfacf, machine, 0, 8, 1, 72].entries()) bytes.writeUInt32LE(value, 4 * at)
    bytes.writeUInt32LE(0x19, 32)
    bytes.writeUInt32LE(72, 36)
    bytes.writeBigUInt64LE(512n, 32 + 40)
    bytes.writeBigUInt64LE(512n, 32 + 48)
    return bytes.subarray(0, length)
  }
  const ne = pe(0)
  ne.write('NE', 64)
  const universal = Buffer.alloc(64)
  universal.writeUInt32BE(0xcafebabe)
  const [PE, MACH_O] = process.arch === 'arm64' ? [0xaa64, 0x100000c] : [0x8664, 0x1000007]
  const ACCEPTED = /invalid ELF header|file too short/ // Linux says that, so the file came to be loaded

  it.each<[NodeJS.Platform, string, Buffer, RegExp]>([
    ['win32', 'a text', Buffer.from('<html>404</html>'), /not a shared library of Windows/],
    ['win32', 'a library of Linux', built, /not a shared library of Windows/],
    ['win32', 'for Windows of 16 bits', ne, /not a shared library of Windows/],
    ['win32', 'for another CPU', pe(0x14c), /built for ia32, this is \w+/],
    ['win32', 'for an unknown CPU', pe(0x1234), /built for machine 4660, this is \w+/],
    ['win32', 'cut by a byte', pe(PE, 1023), /truncated: 1023 of at least 1024 bytes/],
    ['win32', 'cut in its headers', pe(PE, 80), /truncated: 80 of at least 88 bytes/],
    ['win32', 'a library that fits', pe(PE), ACCEPTED],
    ['darwin', 'a text', Buffer.from('<html>404</html>'), /not a shared library of macOS/],
    ['darwin', 'a library of Linux', built, /not a shared library of macOS/],
    ['darwin', 'for another CPU', machO(7), /built for machine 7, this is \w+/],
    ['darwin', 'cut by a byte', machO(MACH_O, 1023), /truncated: 1023 of at least 1024 bytes/],
    ['darwin', 'cut in its headers', machO(MACH_O, 50), /truncated: 50 of at least 104 bytes/],
    ['darwin', 'a library that fits', machO(MACH_O), ACCEPTED],
    ['darwin', 'for several CPUs', universal, ACCEPTED],
  ])('%s: %s', (platform, _, bytes, why) => {
    plant('build/before.cjs', Buffer.from(`Object.defineProperty(process, 'platform', { value: '${platform}' })`))
    plant(`prebuilds/${platform}-${process.arch}/scaloss.node`, bytes)
    const { reason, used, asked } = run({}, '--require', join(folder, 'build/before.cjs'))
    expect({ reason, used }).toEqual({ reason: 'misfit', used: ON_WASM })
    expect(asked.message).toMatch(why)
  })
})
