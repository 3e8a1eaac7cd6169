import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize } from 'node:v8'
import { beforeAll, describe, expect, it } from 'vitest'
import { startTensorFlow } from '../../examples/digits/backend.mjs'
import type { Checkpoint } from '../../examples/digits/checkpoint.mjs'
import type { Settings } from '../../examples/digits/settings.mjs'
import { trainDetector } from '../../examples/digits/train-detector.mjs'

// Tiny trainings of the digits example. Takes about 4 s. digits-program.long.test.ts runs the program.

const SETTINGS: Settings = {
  ...{
    loss: 'sca',
    alpha: 0.4,
    seed: 1,
    steps: 50,
    batch: 4,
    lr: 0.004,
    weights: 'balanced',
    heldOut: 10,
    backend: 'wasm',
  },
}
const temporary = () => mkdtempSync(join(tmpdir(), 'scaloss-digits-'))
const readState = (path: string): Checkpoint => deserialize(readFileSync(path))

describe('trainDetector', { timeout: 60_000 }, () => {
  beforeAll(() => startTensorFlow('wasm'))

  async function train(settings: Settings, folder = temporary(), stopAfter = Number.POSITIVE_INFINITY) {
    const checkpoint = join(folder, 'checkpoint.bin')
    const stop = new AbortController()
    const losses: number[] = []
    const trained = await trainDetector(settings, {
      checkpoint,
      signal: stop.signal,
      onStep({ step, loss }) {
        losses.push(loss)
        if (step === stopAfter) stop.abort()
      },
    })
    return { losses, result: trained?.result, checkpoint, folder, state: readState(checkpoint) }
  }

  it('learns; stopped and resumed, it gives the same bits as in one go', async () => {
    const whole = await train(SETTINGS)
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    expect(mean(whole.losses.slice(-10))).toBeLessThan(0.8 * mean(whole.losses.slice(0, 10)))

    const first = await train(SETTINGS, temporary(), 7)
    expect(first.result).toBeUndefined()
    const second = await train(SETTINGS, first.folder, 20)
    expect(second.losses.length).toBe(13)
    const last = await train(SETTINGS, first.folder)
    expect([...first.losses, ...second.losses, ...last.losses]).toEqual(whole.losses)
    expect(last.state.optimizer).toEqual(whole.state.optimizer)
    expect(last.state.curve).toEqual(whole.state.curve)
    expect({ ...last.result, seconds: 0 }).toEqual({ ...whole.result, seconds: 0 })
  })

  it('every step and every seed has canvases of its own', async () => {
    const still = { ...SETTINGS, steps: 3, lr: 1e-9 }
    const { losses } = await train(still)
    const other = await train({ ...still, seed: 2 })
    expect(new Set([...losses, ...other.losses].map((loss) => loss.toFixed(3))).size).toBe(6)
  })

  it('a finished one trains no more, and another may not go on from it', async () => {
    const { folder, result } = await train({ ...SETTINGS, steps: 3 })
    const again = await train({ ...SETTINGS, steps: 3 }, folder)
    expect(again.losses).toEqual([])
    expect(again.result?.scores).toEqual(result?.scores)
    await expect(train({ ...SETTINGS, steps: 4 }, folder)).rejects.toThrow(
      /with steps 3, this one has 4; use another --out/,
    )
    const { alpha, ...withoutAlpha } = SETTINGS
    await expect(train({ ...withoutAlpha, steps: 3 }, folder)).rejects.toThrow(/with alpha 0.4, this one has undefined/)
  })
})
