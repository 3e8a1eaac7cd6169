import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { copyPackage, ROOT } from './project.js'

// A copy of the package in which tests plant files in the place of the addon.

export const built = readFileSync(join(ROOT, 'build/Release/scaloss.node'))
export const BUILT = 'build/Release/scaloss.node'
export const PREBUILD = `prebuilds/linux-${process.arch}/scaloss.glibc.node`

/** The folder of the copy. */
export let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scaloss-'))
  copyPackage(folder)
})
beforeEach(() => {
  for (const part of ['build', 'prebuilds']) rmSync(join(folder, part), { recursive: true, force: true })
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Writes a file into the copy. */
export const plant = (file: string, bytes: Buffer) => {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), bytes)
}
/** The addon with some bytes changed. */
export const changed = (change: (bytes: Buffer) => void) => {
  const bytes = Buffer.from(built)
  change(bytes)
  return bytes
}

/** Prints what calls used, and what the errors and warnings were. */
export const PROGRAM = `
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

/** The environment without what chooses an addon for the tests. */
export function inherited() {
  const { SCALOSS_PREBUILD, ...rest } = process.env
  return rest
}

/** Runs a program that computes with the copy, and says what it used and what the errors and warnings were. */
export function run(env: Record<string, string> = {}, ...flags: string[]) {
  const options = { cwd: folder, env: { ...inherited(), ...env }, encoding: 'utf8' } as const
  const child = spawnSync(process.execPath, [...flags, '-e', PROGRAM], options)
  expect({ status: child.status, signal: child.signal }, child.stderr).toEqual({ status: 0, signal: null })
  return JSON.parse(child.stdout)
}

/** The results of a call on the addon, and of one where the addon cannot be loaded. */
export const ON_ADDON = Array(2).fill(expect.stringMatching(/^(cpu|cuda)$/))
export const ON_WASM = ['wasm', 'wasm']
