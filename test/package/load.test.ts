import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { buildSync } from 'esbuild'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  BUILT,
  built,
  folder,
  inherited,
  ON_ADDON,
  ON_WASM,
  PREBUILD,
  PROGRAM,
  plant,
  run,
} from '../support/planted.js'
import { ROOT } from '../support/project.js'

// The file that the package loads, and its behaviour if none fits. The package is a copy in which files are planted.
// Where no file can be loaded, the WebAssembly module computes, and where the host has no WebAssembly, JavaScript does.
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
