import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { copyPackage, ROOT } from '../support/project.js'

// The file that the package loads, and its behaviour if none fits. The package is a copy in which files are planted.
// Where no file can be loaded, the WebAssembly module computes, and where the host has no WebAssembly, JavaScript does.
const OTHER_ARCH = process.arch === 'arm64' ? 62 : 183
const built = readFileSync(join(ROOT, 'build/Release/scaloss.node'))
const BUILT = 'build/Release/scaloss.node'
const PREBUILD = `prebuilds/linux-${process.arch}/scaloss.glibc.node`

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scaloss-'))
  copyPackage(folder)
})
beforeEach(() => {
  for (const part of ['build', 'prebuilds']) rmSync(join(folder, part), { recursive: true, force: true })
})
afterAll(() => rmSync(folder, { recursive: true }))

const plant = (file: string, bytes: Buffer) => {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), bytes)
}
const changed = (change: (bytes: Buffer) => void) => {
  const bytes = Buffer.from(built)
  change(bytes)
  return bytes
}
const replaced = (from: string, to: string) => changed((bytes) => void bytes.write(to, bytes.indexOf(from), 'latin1'))

const PROGRAM = `
  const { backends, boxLoss } = require('./dist/index.js')
  const box = new Float32Array([0, 0, 1, 1]), other = new Float32Array([0, 0, 2, 2])
  const { cpu } = backends()
  const warnings = []
  process.on('warning', ({ name, code, message }) => warnings.push({ name, code, message }))
  const results = [boxLoss('sca', box, other), boxLoss('sca', box, other)]
  const used = results.map(({ backend, loss }) => (loss === 1.25 ? backend : loss))
  let asked
  try { boxLoss('sca', box, box, { backend: 'cpu' }) } catch ({ code, reason, message }) { asked = { code, reason, message } }
  setImmediate(() => console.log(JSON.stringify({ available: cpu.available, reason: cpu.reason, used, warnings, asked })))`

function inherited() {
  const { SCALOSS_PREBUILD, ...rest } = process.env
  return rest
}

function run(env: Record<string, string> = {}, ...flags: string[]) {
  const options = { cwd: folder, env: { ...inherited(), ...env }, encoding: 'utf8' } as const
  const child = spawnSync(process.execPath, [...flags, '-e', PROGRAM], options)
  expect({ status: child.status, signal: child.signal }, child.stderr).toEqual({ status: 0, signal: null })
  return JSON.parse(child.stdout)
}

/** The results of a call on the addon, and of one where the addon cannot be loaded. */
const ON_ADDON = Array(2).fill(expect.stringMatching(/^(cpu|cuda)$/))
const ON_WASM = ['wasm', 'wasm']

describe('the file that is loaded', () => {
  it('is what was built here, then the prebuild', () => {
    plant(BUILT, built)
    expect(run()).toMatchObject({ available: true, used: ON_ADDON, warnings: [] })
    rmSync(join(folder, 'build'), { recursive: true })
    plant(PREBUILD, built)
    expect(run()).toMatchObject({ available: true, warnings: [] })
  })

  it('is the one that node-gyp-build chooses, whatever its name is', () => {
    plant(`prebuilds/linux-${process.arch}/node.napi.glibc.node`, built)
    expect(run({ PREBUILDS_ONLY: '1' })).toMatchObject({ available: true, used: ON_ADDON, warnings: [] })
  })

  it('is found without node-gyp-build too, as in a bundle', () => {
    const dependency = join(folder, 'node_modules/node-gyp-build')
    renameSync(dependency, `${dependency}-away`)
    plant(PREBUILD, built)
    expect(run()).toMatchObject({ available: true, used: ON_ADDON, warnings: [] })
    renameSync(`${dependency}-away`, dependency)
  })

  it('is the next one where the first cannot be loaded', () => {
    plant(BUILT, built.subarray(0, 5000))
    plant(PREBUILD, built)
    expect(run()).toMatchObject({ available: true, warnings: [] })
  })

  it('is the prebuild alone with PREBUILDS_ONLY', () => {
    plant(BUILT, built)
    expect(run({ PREBUILDS_ONLY: '1' }).asked.message).not.toContain(BUILT)
  })

  it('is the one that SCALOSS_PREBUILD names, a file or a folder', () => {
    expect(run({ SCALOSS_PREBUILD: join(ROOT, BUILT) }).available).toBe(true)
    expect(run({ SCALOSS_PREBUILD: ROOT }).available).toBe(true)
  })
})

describe('a bundle in a folder without node_modules', () => {
  /** Bundles the program, copies it to a folder of its own with what was planted beside it, and runs it there. */
  function bundled(format: 'cjs' | 'esm', { modules = format === 'esm', minify = false, before = '' } = {}) {
    const name = format === 'cjs' ? 'bundle.cjs' : 'bundle.mjs'
    const outfile = join(folder, 'out', name)
    buildSync({
      stdin: { contents: PROGRAM.replace('./dist/', `./dist/${modules ? 'esm/' : ''}`), resolveDir: folder },
      ...{ bundle: true, platform: 'node', format, logLevel: 'error', minify, outfile },
    })
    const alone = mkdtempSync(join(tmpdir(), 'scaloss-bundle-'))
    try {
      cpSync(join(folder, 'out'), alone, { recursive: true })
      writeFileSync(join(alone, 'before.cjs'), before)
      mkdirSync(join(alone, 'program'))
      writeFileSync(join(alone, 'program/main.mjs'), `import '../${name}'`)
      // The folder of the program is the other place where prebuilds may lie, and the only one that is known where
      // CommonJS became a bundle of ES modules.
      const program = format === 'esm' && !modules ? name : 'program/main.mjs'
      const argv = ['--require', join(alone, 'before.cjs'), join(alone, program)]
      const child = spawnSync(process.execPath, argv, { env: inherited(), encoding: 'utf8' })
      expect(child.status, child.stderr).toBe(0)
      return JSON.parse(child.stdout)
    } finally {
      rmSync(alone, { recursive: true })
    }
  }
  beforeEach(() => rmSync(join(folder, 'out'), { recursive: true, force: true }))

  describe.each(['cjs', 'esm'] as const)('%s', (format) => {
    describe.each([false, true])('of ES modules: %s', (modules) => {
      it('loads the prebuild beside it', () => {
        plant(`out/${PREBUILD}`, built)
        expect(bundled(format, { modules })).toMatchObject({ available: true, used: ON_ADDON, warnings: [] })
      })

      it.each([false, true])('computes with WebAssembly where nothing lies beside it; minified: %s', (minify) => {
        const { reason, used, warnings, asked } = bundled(format, { modules, minify })
        expect({ reason, used, warnings }).toEqual({ reason: 'bundled', used: ON_WASM, warnings: [] })
        expect(asked).toMatchObject({ code: 'ERR_SCALOSS_BACKEND_UNAVAILABLE', reason: 'bundled' })
        expect(asked.message).toMatch(/Make scaloss external in the settings of the bundler, or copy the folder/)
        expect(asked.message).toMatch(/scaloss-bundle-\w+\/prebuilds\.$/m)
        expect(asked.message).not.toMatch(/cmake/)
      })
    })
  })

  it('of ES modules on a Node without getBuiltinModule says which Node has it, and computes', () => {
    plant(`out/${PREBUILD}`, built)
    const { reason, used, asked } = bundled('esm', { before: 'delete process.getBuiltinModule' })
    expect({ reason, used }).toEqual({ reason: 'bundled', used: ON_WASM })
    expect(asked.message).toMatch(/A bundle of ES modules finds it in Node 20\.16, 22\.3 and newer, and this is \d/)
    expect(bundled('cjs', { before: 'delete process.getBuiltinModule' })).toMatchObject({ used: ON_ADDON })
  })

  it('runs in a realm without anything of Node', () => {
    const contents = `import { backends, boxLoss } from './dist/esm/index.js'
      export const { cpu } = backends()
      export const { backend, loss } = boxLoss('sca', box, new Float32Array([0, 0, 2, 2]))`
    const { outputFiles } = buildSync({
      ...{ stdin: { contents, resolveDir: folder }, bundle: true, format: 'iife', globalName: 'result', write: false },
    })
    // The box is an array of another realm.
    const realm: Record<string, unknown> = { atob, box: new Float32Array([0, 0, 1, 1]) }
    runInNewContext(outputFiles[0]!.text, realm)
    expect(realm.result).toMatchObject({ backend: 'wasm', loss: 1.25, cpu: { reason: 'no-node' } })
  })

  it('says what is wrong with the prebuild beside it', () => {
    plant(`out/${PREBUILD}`, Buffer.alloc(0))
    expect(bundled('esm')).toMatchObject({ reason: 'misfit', used: ON_WASM })
  })
})

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

describe('a Node that forbids addons', () => {
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission'
  const readAll = '--allow-fs-read=*'
  const PERMISSION =
    /^ {2}Node was started with its permission model: add --allow-addons, and let --allow-fs-read hold/m

  it.each<[string, () => string[], RegExp]>([
    ['--no-addons', () => ['--no-addons'], /^ {2}Node was started with --no-addons, .* start it without that flag\.$/m],
    ['permissions without --allow-addons', () => [permission, readAll], PERMISSION],
    [
      'permissions that leave out the file',
      () => [
        permission,
        '--allow-addons',
        ...['package.json', 'dist/*', 'node_modules/*'].map((part) => `--allow-fs-read=${join(folder, part)}`),
      ],
      PERMISSION,
    ],
  ])('%s: the reason is the flag, and nobody is told to compile', (_, flags, what) => {
    plant(PREBUILD, built)
    const { available, reason, used, warnings, asked } = run({}, ...flags())
    expect({ available, reason, used }).toEqual({ available: false, reason: 'addons-disabled', used: ON_WASM })
    expect(warnings.filter(({ name }: { name: string }) => name === 'ScaLossWarning')).toEqual([])
    expect(asked).toMatchObject({ code: 'ERR_SCALOSS_BACKEND_UNAVAILABLE', reason })
    expect(asked.message).toMatch(what)
    expect(asked.message).toContain(`${join(folder, PREBUILD)}: `)
    expect(asked.message).not.toMatch(/cmake|To build/)
  })

  it("loads the addon with permissions for addons and for the package's folder", () => {
    plant(PREBUILD, built)
    const flags = [permission, '--allow-addons', `--allow-fs-read=${join(folder, '*')}`]
    expect(run({}, ...flags)).toMatchObject({ available: true, used: ON_ADDON })
  })

  it('is not blamed where there is no file', () => {
    expect(run({}, '--no-addons').reason).toBe('not-built')
  })
})

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
