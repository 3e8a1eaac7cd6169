import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'
import { staleFiles } from '../../scripts/named-losses.mjs'
import { prebuildOf, TARGETS } from '../../scripts/prebuild/targets.mjs'
import { LOSS_NAMES } from '../../src/core/losses.js'
import { codeBlocks, DOCUMENTS, makeProject, ROOT as root, saidToPrint } from '../support/project.js'
import { functionOf } from '../support/variants.js'

// The package as a user's project sees it: what is in the tarball, both module systems, the types for each, the README.
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const { check, folder, remove, run, write } = makeProject()
afterAll(remove)

/** The files of the tarball. */
const files = (): string[] => {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
  )
  return packed.files.map((file: { path: string }) => file.path)
}

describe('what npm runs and packs', () => {
  it('nothing runs at install: npm blocks it, and node-gyp would be called', () => {
    for (const script of ['preinstall', 'install', 'postinstall', 'prebuild'])
      expect(manifest.scripts).not.toHaveProperty(script)
    // npm runs preX before X, so prebuild:pack would run before a script named build:pack.
    for (const script of Object.keys(manifest.scripts)) expect(manifest.scripts).not.toHaveProperty([`pre${script}`])
    expect(files()).not.toContain('binding.gyp')
  })

  it('the tarball holds the program, its types, the native sources to build from, the prebuilds, and nothing else', () => {
    const tracked = execFileSync('git', ['ls-files', 'src', 'binding', 'core', 'cpu', 'cuda', 'docs'], {
      cwd: root,
      encoding: 'utf8',
    })
    const expected = tracked
      .trim()
      .split('\n')
      .flatMap((file) => {
        const [, name = '', type] = /^src\/(.*)\.(m?)ts$/.exec(file) ?? []
        if (type === undefined) return [file]
        if (file === 'src/native/here.mts') return []
        const modules = type === 'm' || name.startsWith('cli/') ? [] : [`dist/esm/${name}.js`]
        return [`dist/${name}.${type}js`, `dist/${name}.d.${type}ts`, ...modules]
      })
    expected.push('dist/esm/package.json')
    const prebuilds = Object.values(TARGETS)
      .map(prebuildOf)
      .filter((file) => existsSync(join(root, file)))
    const rest = ['package.json', 'CMakeLists.txt', 'LICENSE', 'README.md', 'CHANGELOG.md']
    expect(files().sort()).toEqual([...expected, ...prebuilds, ...rest].sort())
  })

  it('depends on node-gyp-build alone, which depends on nothing', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(['node-gyp-build'])
    const { dependencies } = JSON.parse(readFileSync(join(root, 'node_modules/node-gyp-build/package.json'), 'utf8'))
    expect(dependencies).toBeUndefined()
  })

  it('the lockfile names no host', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toContain('"resolved"')
  })
})

describe('the README on npm (scripts/readme-for-npm.mjs)', () => {
  // A small package with the scripts of this one: to pack this one would build it first.
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-readme-'))
  const { prepack, postpack, postpublish } = manifest.scripts
  for (const path of ['README.md', 'docs', 'scripts/readme-for-npm.mjs'])
    cpSync(join(root, path), join(folder, path), { recursive: true })
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ ...manifest, scripts: { prepack, postpack, postpublish }, dependencies: {} }),
  )
  afterAll(() => rmSync(folder, { recursive: true }))

  const ours = readFileSync(join(root, 'README.md'), 'utf8')
  const now = () => readFileSync(join(folder, 'README.md'), 'utf8')
  const base = `https://unpkg.com/scaloss@${manifest.version}/`
  const linksOf = (page: string) => [...page.matchAll(/\]\(([^)]*)\)|<img src="([^"]*)"/g)].map(([, a, b]) => a ?? b!)

  it('links only to files of the tarball', () => {
    const relative = linksOf(ours).filter((link) => !link.startsWith('https:') && !link.startsWith('#'))
    expect(relative.length).toBeGreaterThan(10)
    const packed = files()
    expect(relative.filter((link) => !packed.includes(link.split('#')[0]!))).toEqual([])
  })

  it('in the tarball, every link is a URL of a published file; the checkout has its own README again', () => {
    const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--silent'], { cwd: folder, encoding: 'utf8' }))
    const tarball = join(folder, packed.filename)
    const published = execFileSync('tar', ['-xzOf', tarball, 'package/README.md'], { encoding: 'utf8' })
    expect(linksOf(published)).toEqual(
      linksOf(ours).map((link) => (/^(https:|#)/.test(link) ? link : `${base}${link}`)),
    )
    expect(published.replaceAll(base, '')).toBe(ours)
    expect(now()).toBe(ours)
  })

  it('npm publish reads the README again after postpack, so it stays until postpublish', () => {
    const lifecycle = (event: 'prepack' | 'postpack' | 'postpublish') => {
      const [, ...args] = manifest.scripts[event].split(' ')
      const env = { ...process.env, npm_command: 'publish', npm_lifecycle_event: event }
      execFileSync(process.execPath, args, { cwd: folder, env })
      return now().includes(base)
    }
    expect([lifecycle('prepack'), lifecycle('prepack'), lifecycle('postpack')]).toEqual([true, true, true])
    expect(lifecycle('postpublish')).toBe(false)
    expect(now()).toBe(ours)
  })
})

it('what is generated from the losses is up to date (npm run losses -- --write)', async () => {
  expect(await staleFiles()).toEqual([])
})

describe('both module systems', () => {
  const calls = ['boxCoder', 'boxLoss', 'boxLossAsync', 'createPlan', 'gradCheck', 'headLoss', 'pairwise']
  const others = ['ScaLossError', 'alloc', 'backends', 'cuda']
  const names = [...calls, ...others, ...LOSS_NAMES.map(functionOf)].sort()

  it('export the same names', () => {
    write('names.cjs', `console.log(Object.keys(require('scaloss')).sort().join())`)
    write('names.mjs', `import * as all from 'scaloss'; console.log(Object.keys(all).sort().join())`)
    expect(run('names.cjs').trim()).toBe(names.join())
    expect(run('names.mjs').trim()).toBe(names.join())
  })

  it('scaloss/coco exports the same names', () => {
    write('coco.cjs', `console.log(Object.keys(require('scaloss/coco')).sort().join())`)
    write('coco.mjs', `import * as all from 'scaloss/coco'; console.log(Object.keys(all).sort().join())`)
    expect(run('coco.cjs').trim()).toBe('averagePrecision,readDetections,readGroundTruth')
    expect(run('coco.mjs').trim()).toBe('averagePrecision,readDetections,readGroundTruth')
  })

  it('export the same names from scaloss/simulation', () => {
    write('simulation.cjs', `console.log(Object.keys(require('scaloss/simulation')).sort().join())`)
    write('simulation.mjs', `import * as all from 'scaloss/simulation'; console.log(Object.keys(all).sort().join())`)
    expect(run('simulation.cjs')).toBe(run('simulation.mjs'))
    expect(run('simulation.mjs')).toContain('simulate,simulationCases')
  })

  it('share one instance, so that instanceof ScaLossError holds across them', () => {
    write(
      'both.mjs',
      `import { createRequire } from 'node:module'
       import { ScaLossError } from 'scaloss'
       const required = createRequire(import.meta.url)('scaloss')
       try { required.boxLoss('?') } catch (error) { console.log(error instanceof ScaLossError, error.code) }`,
    )
    expect(run('both.mjs').trim()).toBe('true ERR_SCALOSS_INVALID_ARGUMENT')
  })

  it('share one instance in a bundle too', () => {
    write('library.cjs', `module.exports = require('scaloss')`)
    write(
      'bundled.mjs',
      `import { ScaLossError } from 'scaloss'
       import library from './library.cjs'
       try { library.boxLoss('?') } catch (error) { console.log(error instanceof ScaLossError, error.code) }`,
    )
    const settings = { bundle: true, format: 'esm', platform: 'node', logLevel: 'silent' } as const
    buildSync({ entryPoints: ['bundled.mjs'], outfile: join(folder, 'bundle.mjs'), absWorkingDir: folder, ...settings })
    expect(run('bundle.mjs').trim()).toBe('true ERR_SCALOSS_INVALID_ARGUMENT')
  })

  it('a bundle that needs no losses has no WebAssembly module', () => {
    const contains = (contents: string) => {
      const { outputFiles } = buildSync({
        ...{ stdin: { contents, resolveDir: folder }, bundle: true, format: 'esm', write: false },
      })
      return outputFiles[0]!.text.includes('AGFzbQ') // \0asm
    }
    expect(contains(`export { averagePrecision } from 'scaloss/coco'`)).toBe(false)
    expect(contains(`export { boxLoss } from 'scaloss'`)).toBe(true)
  })

  const program = `
    const p = new Float32Array(4), d = new Float64Array(4)
    const mean: number = boxLoss('sca', p, p).loss
    const grad: Float32Array = scaLoss(p, p).grad
    const rows: Float64Array = soLoss(d, d, { reduction: 'none' }).loss
    const { loss, gradTarget, iou } = boxLoss('cd', p, p, { reduction: 'sum', grad: false, gradTarget: true, iou: true })
    const all: [number, Float32Array, Float32Array] = [loss, gradTarget, iou]
    const noGradient: undefined = boxLoss('so', p, p, { grad: false }).grad
    const plan = createPlan('sca', { boxes: 4, reduction: 'none', weight: true })
    const planned: [Float32Array, Float32Array, undefined, Float32Array] = [plan.run().loss, plan.weight, plan.gradOutput, alloc(4)]
    const planned64: Float64Array = createPlan('sca', { boxes: 4, dtype: 'float64' }).run().grad
    const onDevice = () => {
      const device = cuda.device(0)
      const tensor = device.tensor(p, 'bfloat16')
      const { grad, gradTarget } = device.boxLoss('sca', tensor, tensor, { gradTarget: true })
      const pointers: bigint[] = [grad.pointer, gradTarget.pointer]
      // @ts-expect-error no gradient was asked for
      device.boxLoss('sca', tensor, tensor, { grad: false }).grad.read()
      // @ts-expect-error an array is no tensor
      device.boxLoss('sca', p, tensor)
      return pointers
    }
    const truth: GroundTruthBox = { imageId: 1, categoryId: 1, bbox: [0, 0, 1, 1] }
    const { ap, byIou, byClass } = averagePrecision([truth], [{ ...truth, score: 1 }], { iouThresholds: [0.5] })
    const metrics: number[] = [ap, byIou[0].ap, byClass[0].apSmall]
    // @ts-expect-error a detection has a score
    averagePrecision([truth], [truth])
    const error: Error = new ScaLossError('ERR_SCALOSS_CUDA', String([mean, grad, rows, all, noGradient, backends().js.available, planned, planned64, onDevice, metrics]))
    // @ts-expect-error another dtype
    boxLoss('sca', p, d)
    // @ts-expect-error no such loss
    boxLoss('scaa', p, p)
    // @ts-expect-error no such option
    boxLoss('sca', p, p, { reducton: 'sum' })
    // @ts-expect-error the mean is a number
    boxLoss('sca', p, p).loss[0]
    throw error`

  it.each([
    [
      'ES module',
      'types.mts',
      `import { alloc, backends, boxLoss, createPlan, cuda, scaLoss, ScaLossError, soLoss } from 'scaloss'
       import { averagePrecision, type GroundTruthBox } from 'scaloss/coco'`,
    ],
    [
      'CommonJS',
      'types.cts',
      `import { alloc, backends, boxLoss, createPlan, cuda, scaLoss, ScaLossError, soLoss } from 'scaloss'
       import { averagePrecision, type GroundTruthBox } from 'scaloss/coco'`,
    ],
    [
      'CommonJS require',
      'required.cts',
      `import s = require('scaloss'); const { alloc, backends, boxLoss, createPlan, cuda, scaLoss, ScaLossError, soLoss } = s
       import coco = require('scaloss/coco'); const { averagePrecision } = coco; type GroundTruthBox = coco.GroundTruthBox`,
    ],
  ])('%s: the types are right', (_, file, imports) => {
    write(file, `${imports}\n${program}`)
    expect(check(file)).toBe('')
  })
})

/** Those of TensorFlow.js run in tfjs/package.test.ts, those of CUDA in cuda/emulator/docs.test.ts. */
const elsewhere = ['docs/tfjs.md', 'docs/cuda.md']
const examples = DOCUMENTS.filter((document) => !elsewhere.includes(document)).flatMap((document) =>
  codeBlocks(readFileSync(join(root, document), 'utf8'), 'js').map((example, i) => ({ document, i, example })),
)

it.each(examples)('$document: example $i prints what its comments say', ({ document, example }) => {
  expect(example.trim().split('\n').length).toBeLessThanOrEqual(document === 'README.md' ? 12 : 20)
  write('example.mjs', example)
  const said = saidToPrint(example)
  expect(said.length).toBeGreaterThan(0)
  expect(run('example.mjs').trim().split('\n')).toEqual(said)
})
