import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { boxLoss } from '../../src/index.js'
import { MODULE } from '../../src/wasm/bytes.js'
import { loadWasm } from '../../src/wasm/module.js'
import { endOf, printed } from '../support/process.js'
import { ROOT } from '../support/project.js'
import { pairs } from '../support/wasm.js'

// The WebAssembly module itself, and hosts that cannot run it.
describe('a host that cannot run the module', () => {
  const program = (change: string) => `
    ${change}
    const { backends, boxLoss } = require(${JSON.stringify(join(ROOT, 'dist/index.js'))})
    const box = new Float32Array([0, 0, 1, 1])
    console.log(JSON.stringify(backends().wasm))
    try {
      boxLoss('sca', box, box, { backend: 'wasm' })
    } catch ({ code, reason, message, cause }) {
      console.log(JSON.stringify({ code, reason, message, cause: cause?.message }))
    }
    console.log(boxLoss('sca', box, box, { backend: 'js' }).loss)`

  it.each([
    ['without WebAssembly', 'delete globalThis.WebAssembly', 'this host has no WebAssembly', undefined],
    [
      'whose WebAssembly cannot compile it',
      "WebAssembly.Module = class { constructor() { throw new Error('no SIMD here') } }",
      'the module cannot be loaded: no SIMD here',
      'no SIMD here',
    ],
  ])('%s: backends() and an error say why', (_, change, why, cause) => {
    const message = `backend 'wasm': ${why}`
    const described = { available: false, reason: 'no-wasm', message }
    const error = { code: 'ERR_SCALOSS_BACKEND_UNAVAILABLE', reason: 'no-wasm', message, cause }
    expect(endOf(program(change))).toEqual(printed(JSON.stringify(described), JSON.stringify(error), '0'))
  })

  it('is not one without Buffer, as browsers are', () => {
    // Node's own code keeps its Buffer; only the global name is gone.
    const { status, stdout, stderr } = endOf(program('delete globalThis.Buffer'))
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toBe('{"available":true}\n0\n')
  })
})

describe('the committed module', () => {
  const bytes = Buffer.from(MODULE, 'base64')
  interface Described {
    module?: string
    name: string
    kind: string
  }
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: {
      Module: {
        new (bytes: Uint8Array): object
        exports(module: object): Described[]
        imports(module: object): Described[]
      }
    }
  }
  const module = new WebAssembly.Module(bytes)

  it('exports what src/wasm/module.ts types, and nothing else', () => {
    const source = readFileSync(join(ROOT, 'src/wasm/module.ts'), 'utf8')
    const [, block] = /^interface Exports \{\n(.*?)^\}/ms.exec(source) ?? []
    const typed = [...block!.matchAll(/^ {2}(\w+)([:(])/gm)].map(([, name, after]) => ({
      name: name!,
      kind: after === '(' ? 'function' : 'memory',
    }))
    const byName = (a: Described, b: Described) => (a.name < b.name ? -1 : 1)
    expect(typed.length).toBeGreaterThan(5)
    expect(WebAssembly.Module.exports(module).sort(byName)).toEqual(typed.sort(byName))
  })

  it('imports a function that nothing calls, and nothing else', () => {
    const imports = [{ module: 'wasi_snapshot_preview1', name: 'random_get', kind: 'function' }]
    expect(WebAssembly.Module.imports(module)).toEqual(imports)
  })

  it('takes at most 130 KB when compressed', () => {
    expect(gzipSync(bytes, { level: 9 }).length).toBeLessThanOrEqual(130_000)
  })

  it('has a memory that does not grow', () => {
    const wasm = loadWasm()
    const { exports } = wasm
    const { buffer } = exports.memory
    const { pred, target } = pairs('float64', 100_000)
    boxLoss('sca', pred, target, { backend: 'wasm' })
    expect(exports.memory.buffer).toBe(buffer)
    expect(wasm.float64.buffer).toBe(buffer)
  })
})
