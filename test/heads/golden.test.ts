import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  type BackendName,
  boxCoder,
  boxLoss,
  type CoderKind,
  type CoderOptions,
  headLoss,
  type LossName,
} from '../../src/index.js'
import { ROOT } from '../support/project.js'

// Reference vectors of 60 digits (test/data/README.md).
interface GoldenSet {
  coder: CoderKind
  options: Record<string, unknown>
  n: number
  raw: number[]
  prior: number[]
  target: number[]
  box: number[]
  loss: Record<string, number[]>
  grad: Record<string, number[]>
}
const file = join(ROOT, 'test/data/heads.json.gz')
const { sets }: { sets: GoldenSet[] } = JSON.parse(gunzipSync(readFileSync(file)).toString())

/** The options as the package has them: without a clamp is infinity. */
function optionsOf({ coder, options }: GoldenSet): CoderOptions {
  const { minLogSize, maxLogSize, targetClamp, ...rest } = options
  const clamps = { minLogSize: minLogSize ?? -Infinity, maxLogSize: maxLogSize ?? Infinity }
  return {
    ...rest,
    ...(coder === 'deltas' && clamps),
    ...(typeof targetClamp === 'number' && { targetClamp }),
  } as CoderOptions
}

const largest = (numbers: Iterable<number>) => Math.max(0, ...[...numbers].map(Math.abs))
/** The distance of neighbouring float32 numbers at x. */
const spacing = (x: number) => 2 ** Math.max(-149, Math.floor(Math.log2(x)) - 23)

const CASES = sets.flatMap((set, i) =>
  (['float32', 'float64'] as const).map((dtype) => ({ i, set, dtype, kind: set.coder })),
)

describe.each<BackendName>(['cpu', 'wasm', 'js'])('%s', (backend) => {
  it.each(CASES)('set $i, $kind, $dtype', ({ set, dtype }) => {
    const Float = dtype === 'float32' ? Float32Array : Float64Array
    const coder = boxCoder(set.coder, optionsOf(set))
    const [raw, target] = [new Float(set.raw), new Float(set.target)]
    const prior = set.prior.length > 0 ? new Float(set.prior) : undefined
    const columns = coder.columns
    const wide = dtype === 'float64'
    for (const [which, losses] of Object.entries(set.loss)) {
      const [name = '', alpha] = which.split('@')
      const isDfl = name === 'dfl'
      const options = { backend, boxes: true, reduction: 'none' } as const
      const all = isDfl
        ? { ...options, lossWeight: 0, dflWeight: 1 }
        : alpha
          ? { ...options, alpha: Number(alpha) }
          : options
      const { loss, grad, boxes, invalid } = headLoss(
        (isDfl ? 'iou' : name) as LossName,
        coder,
        raw,
        prior,
        target,
        all as never,
      ) as unknown as Record<string, Float64Array> & { invalid: number }
      expect(invalid).toBe(0)
      for (let i = 0; i < set.n; ++i) {
        const box = set.box.slice(4 * i, 4 * i + 4)
        const priors = set.prior.length / set.n
        const scale = Math.max(largest(box), largest(set.prior.slice(priors * i, priors * (i + 1))))
        for (let k = 0; k < 4; ++k) {
          const error = Math.abs(boxes![4 * i + k]! - box[k]!)
          expect(error, `${which}, box ${i}`).toBeLessThanOrEqual(wide ? 1e-13 * largest(box) : 4 * spacing(scale))
        }
        const expected = losses[i]!
        const lossError = Math.abs(loss![i]! - expected)
        expect(lossError, `${which}, loss ${i}`).toBeLessThanOrEqual(wide ? 1e-11 : 3e-4 * Math.max(1, expected))
        const row = set.grad[which]!.slice(columns * i, columns * (i + 1))
        if (!wide && expected <= 0.05) continue
        // Where both sizes are at a clamp, only the centre moves, and its gradient is the difference of those of two
        // edges.
        const clamped = set.coder === 'deltas' && row[2] === 0 && row[3] === 0
        const edges = clamped
          ? (boxLoss(name as LossName, new Float64Array(box), new Float64Array(set.target.slice(4 * i, 4 * i + 4)), {
              backend: 'cpu',
              ...(alpha && { alpha: Number(alpha) }),
            } as never).grad as never)
          : [0]
        const size = Math.max(largest(row), largest(edges) * largest(set.prior.slice(priors * i, priors * (i + 1))))
        for (let k = 0; k < columns; ++k) {
          const gradError = Math.abs(grad![columns * i + k]! - row[k]!)
          expect(gradError, `${which}, gradient ${i}, ${k}`).toBeLessThanOrEqual((wide ? 1e-9 : 2e-3) * size)
        }
      }
    }
  })
})
