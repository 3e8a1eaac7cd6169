import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { endOf, printed } from '../support/process.js'
import { ROOT } from '../support/project.js'

// Short forms of `npm run soak` and `npm run load`.
const run = (script: string, ...options: string[]) =>
  JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', join(ROOT, 'test/soak', script), ...options], { encoding: 'utf8' }),
  )

it('400,000 calls leave no memory behind', () => {
  const { calls, growthMiB } = run('calls.mjs', '--calls', '400000')
  expect(calls).toBe(400_000)
  // 64 bytes of each call of the second half would be 12 MiB.
  expect(growthMiB).toBeLessThan(12)
}, 120_000)

it('workers that call at once get what calls alone give', () => {
  expect(run('load.mjs', '--calls', '80', '--workers', '4')).toMatchObject({ workers: 4, differences: 0 })
}, 120_000)

describe('nothing is left of', () => {
  const entryOf = (name: string) => JSON.stringify(join(ROOT, `dist/${name}.js`))
  const collected = (body: string) => `
    const { alloc, boxLoss, boxLossAsync, createPlan } = require(${entryOf('index')})
    const collect = async () => { gc(); await new Promise(setImmediate) }
    const megabytes = () => process.memoryUsage.rss() / 2 ** 20
    ${body}`

  it('arrays of async calls', () => {
    const body = `
      const boxes = new Float32Array(4 * 17000)
      ;(async () => {
        for (let i = 0; i < 200; i++) await boxLossAsync('l1', boxes, boxes.slice(), { backend: 'cpu' })
        for (let i = 0; i < 3; i++) await collect()
        console.log(process.memoryUsage().arrayBuffers < 20e6)
      })()`
    expect(endOf(collected(body))).toEqual(printed('true'))
  })

  it('async calls of the addon', () => {
    const body = `
      const { loadNative } = require(${entryOf('native/addon')})
      const { FIELD, FIELDS } = require(${entryOf('core/block')})
      const block = new Float64Array(FIELDS.length)
      block[FIELD.arrays] = 3
      block[FIELD.device] = -1
      block[FIELD.threads] = 1
      const [pred, target] = [new Float32Array(4), new Float32Array(4)]
      const call = async (times) => {
        for (let i = 0; i < times; i++) {
          await loadNative().boxLossAsync(block, pred, target)
          if (i % 1000 === 0) await collect()
        }
        return megabytes()
      }
      ;(async () => { const before = await call(20_000); console.log((await call(100_000)) - before < 10) })()`
    expect(endOf(collected(body))).toEqual(printed('true'))
  })

  it('memory of alloc and of plans', () => {
    const body = `
      ;(async () => {
        const before = megabytes()
        for (let i = 0; i < 100; i++) {
          alloc(2 ** 18).fill(1)
          createPlan('sca', { boxes: 2 ** 16, backend: 'cpu' }).dispose()
          await collect()
        }
        console.log(megabytes() - before < 100)
      })()`
    expect(endOf(collected(body))).toEqual(printed('true'))
  })
})
