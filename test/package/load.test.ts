import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ROOT } from '../support/project.js'

// Which file the package loads, and what it says and does where none fits. The package is a copy in which files are planted.
const OTHER_ARCH = process.arch === 'arm64' ? 62 : 183
const built = readFileSync(join(ROOT, 'build/Release/scaloss.node'))
const BUILT = 'build/Release/scaloss.node'
const PREBUILD = `prebuilds/linux-${process.arch}/scaloss.glibc.node`

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scaloss-'))
  for (const part of ['package.json', 'dist', 'node_modules/node-gyp-build'])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true })
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
  const box = new Float32Array([0, 0, 1, 1])
  const { cpu } = backends()
  const warnings = []
  process.on('warning', ({ name, code, message }) => warnings.push({ name, code, message }))
  const used = [boxLoss('sca', box, box).backend, boxLoss('sca', box, box).backend]
  let asked
  try { boxLoss('sca', box, box, { backend: 'cpu' }) } catch ({ code, message }) { asked = { code, message } }
  setImmediate(() => console.log(JSON.stringify({ available: cpu.available, used, warnings, asked })))`

function run(env: Record<string, string> = {}) {
  const inherited = { ...process.env }
  delete inherited.SCALOSS_PREBUILD
  const options = { cwd: folder, env: { ...inherited, ...env }, encoding: 'utf8' } as const
  const child = spawnSync(process.execPath, ['-e', PROGRAM], options)
  expect({ status: child.status, signal: child.signal }, child.stderr).toEqual({ status: 0, signal: null })
  return JSON.parse(child.stdout)
}

describe('the file that is loaded', () => {
  it('is what was built here, then the prebuild', () => {
    plant(BUILT, built)
    expect(run()).toMatchObject({ available: true, used: [expect.not.stringMatching('js'), expect.anything()] })
    rmSync(join(folder, 'build'), { recursive: true })
    plant(PREBUILD, built)
    expect(run()).toMatchObject({ available: true, warnings: [] })
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

  it('lies beside a bundle too', () => {
    plant(`dist/${PREBUILD}`, built)
    expect(run().available).toBe(true)
    rmSync(join(folder, 'dist/prebuilds'), { recursive: true })
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
  ])('%s: JavaScript computes, with one warning; the CPU, asked for, is an error that says why', (_, bytes, why) => {
    plant(PREBUILD, bytes)
    const { available, used, warnings, asked } = run()
    expect({ available, used }).toEqual({ available: false, used: ['js', 'js'] })
    expect(warnings).toEqual([{ name: 'ScaLossWarning', code: 'SCALOSS_JS_FALLBACK', message: asked.message }])
    expect(asked.code).toBe('ERR_SCALOSS_BACKEND_UNAVAILABLE')
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
    const { used, asked } = run()
    expect(used).toEqual(['js', 'js'])
    expect(asked.message).toContain(`${join(folder, PREBUILD)}: no such file`)
    expect(asked.message).toContain('prebuilds in the package: none')
  })

  it('a wrong SCALOSS_PREBUILD is named, and nothing else is tried', () => {
    plant(PREBUILD, built)
    const { asked } = run({ SCALOSS_PREBUILD: '/nowhere' })
    expect(asked.message).toContain('/nowhere/build/Release/scaloss.node: no such file')
    expect(asked.message).toContain('SCALOSS_PREBUILD is "/nowhere": expected')
    expect(asked.message).not.toContain(`${PREBUILD}:`)
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
  const old = 'GLIBC_2.17'
  const numbers = (name: string) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(hash(name))
    return bytes
  }
  return changed((bytes) => {
    bytes.write('GLIBC_9.17', bytes.indexOf(`${old}\0`), 'latin1')
    numbers('GLIBC_9.17').copy(bytes, bytes.indexOf(numbers(old)))
  })
}
