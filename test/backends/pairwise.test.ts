import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { LOSS_NAMES, LOSSES } from '../../src/core/losses.js'
import type { LossOptions } from '../../src/core/types.js'
import { type BackendName, boxLoss, type FloatArray, type LossName, pairwise, ScaLossError } from '../../src/index.js'
import { loadNative } from '../../src/native/addon.js'
import { EVERY_BACKEND } from '../support/backends.js'
import { endOf } from '../support/process.js'
import { ROOT } from '../support/project.js'
import { mulberry32, randomPairs } from '../support/random.js'
import { demanded } from '../support/variants.js'

const native = loadNative()
const DTYPES = [
  ['float32', Float32Array],
  ['float64', Float64Array],
] as const

/** Boxes of some hundred pixels; some flat, some with the same edges as others, far apart from each other or not. */
function randomBoxes(Boxes: Float32ArrayConstructor | Float64ArrayConstructor, n: number, axes: number, seed: number) {
  const random = mulberry32(seed)
  const boxes = new Boxes(2 * axes * n)
  for (let i = 0; i < n; ++i) {
    for (let k = 0; k < axes; ++k) {
      const first = Math.floor(100 * random()) * 3
      boxes[2 * axes * i + k] = first
      boxes[2 * axes * i + axes + k] = first + (random() < 0.03 ? 0 : 5 + 90 * random())
    }
  }
  return boxes
}

/** Beside everyday ones: inverted, tiny, huge, far away, not finite. */
const ODD = [
  [5, 5, 3, 3],
  [1e-30, 0, 2e-30, 1e-30],
  [0, 0, 1e30, 1e30],
  [Number.NaN, 0, 1, 1],
  [1e19, 1e19, 3e19, 3e19],
  [0, 0, 1e-42, 1e-42],
  [-1e38, -1e38, 3e38, 3e38],
]

/** Every pair through `boxLoss`. */
function oneByOne(name: LossName, a: FloatArray, b: FloatArray, options: LossOptions, backend: BackendName) {
  const width = 2 * LOSSES[name].axes
  const [n, m] = [a.length / width, b.length / width]
  const Boxes = a.constructor as Float32ArrayConstructor
  const [pred, target] = [new Boxes(width * n * m), new Boxes(width * n * m)]
  for (let i = 0; i < n; ++i) {
    for (let j = 0; j < m; ++j) {
      pred.set(a.subarray(width * i, width * (i + 1)), width * (i * m + j))
      target.set(b.subarray(width * j, width * (j + 1)), width * (i * m + j))
    }
  }
  return boxLoss(name, pred, target, { ...options, reduction: 'none', grad: false, iou: true, backend })
}

describe.each(native.simdLevels())('cpu, %s', (level) => {
  const active = native.simd()
  beforeAll(() => void native.setSimd(level))
  afterAll(() => void native.setSimd(active))

  describe.each(DTYPES)('%s', (_, Boxes) => {
    it.each(LOSS_NAMES)('%s: each entry has the bits of boxLoss', (name) => {
      const { axes } = LOSSES[name]
      // Fewer columns than a pack, and more than a block with a rest.
      for (const [n, m] of [
        [3, 1],
        [7, 300],
      ]) {
        const [a, b] = [randomBoxes(Boxes, n, axes, n), randomBoxes(Boxes, m, axes, m)]
        // Blocks with a box that is not regular, and one that is not finite.
        if (m > 200) b[2 * axes * 270] = -1e30
        if (m > 200) b[2 * axes * 280] = Number.NaN
        expect(pairwise(name, a, b, { ...demanded(name), backend: 'cpu' })).toEqual(
          oneByOne(name, a, b, demanded(name), 'cpu').loss,
        )
      }
    })

    const regular = { pred: randomPairs(Boxes, 5).pred, target: randomPairs(Boxes, 40).target }

    it('takes options that change the formula', () => {
      const [a, b] = [randomBoxes(Boxes, 5, 2, 1), randomBoxes(Boxes, 40, 2, 2)]
      for (const options of [
        { power: 3 },
        { mode: 'log' },
        { inner: 0.7, focal: 0.5 },
        { convention: 'torchvision' },
      ]) {
        const typed = options as LossOptions
        expect(pairwise('giou', a, b, { ...typed, backend: 'cpu' })).toEqual(oneByOne('giou', a, b, typed, 'cpu').loss)
        const own = pairwise('giou', regular.pred, regular.target, { ...typed, backend: 'cpu' })
        expect(own).toEqual(oneByOne('giou', regular.pred, regular.target, typed, 'cpu').loss)
      }
    })

    it.each(['giou', 'ciou'] as const)('%s of odd boxes beside regular ones', (name) => {
      const { pred, target } = regular
      const expectBits = (a: FloatArray, b: FloatArray) =>
        expect(pairwise(name, a, b as Float32Array, { backend: 'cpu' })).toEqual(oneByOne(name, a, b, {}, 'cpu').loss)
      expectBits(Boxes.from(ODD.flat()), target)
      for (const odd of ODD) {
        const withOdd = target.slice(0, 4 * 37)
        withOdd.set(odd, 4 * 36)
        expectBits(pred, withOdd)
      }
    })
  })
})

describe.each(EVERY_BACKEND)('%s', (backend) => {
  const a = Float32Array.of(0, 0, 2, 2, 5, 5, 7, 7)
  const b = Float32Array.of(0, 0, 2, 2, 1, 0, 3, 2, 20, 20, 21, 21)

  it('gives a row for each box of a, a column for each of b', () => {
    expect([...pairwise('iou', a, b, { backend, similarity: true })].map((x) => x.toFixed(4))).toEqual(
      ['1.0000', '0.3333', '0.0000', '0.0000', '0.0000', '0.0000'], // 2 / 6 shared
    )
  })

  it('similarity is 1 − loss, for the plain IoU without its rounding', () => {
    const far = Float32Array.of(0, 0, 100, 100)
    const tiny = Float32Array.of(99.99, 99.99, 200, 200)
    const { iou } = boxLoss('iou', far, tiny, { backend, iou: true })
    expect(pairwise('iou', far, tiny, { backend, similarity: true })).toEqual(iou)
    expect(pairwise('iou', far, tiny, { backend, similarity: true, mode: 'linear', power: 1 })).toEqual(iou)
    expect(pairwise('iou', a, b, { backend, similarity: true, power: 2 })[1]).toBeCloseTo(1 / 9, 6)
    for (const name of ['giou', 'sca'] as const) {
      const loss = pairwise(name, a, b, { backend })
      const similarity = pairwise(name, a, b, { backend, similarity: true })
      for (let i = 0; i < loss.length; ++i) expect(similarity[i]).toBeCloseTo(1 - loss[i], 6)
    }
  })

  it('takes formats, and writes to out', () => {
    const xywh = Float32Array.of(0, 0, 2, 2, 5, 5, 2, 2)
    const out = new Float32Array(4)
    expect(pairwise('diou', xywh, xywh.slice(), { backend, format: 'xywh', out })).toBe(out)
    expect(out).toEqual(pairwise('diou', a, a.slice(), { backend }))
  })

  it('of no boxes is empty', () => {
    expect(pairwise('sca', new Float32Array(0), b, { backend })).toEqual(new Float32Array(0))
    expect(pairwise('sca', a, new Float32Array(0), { backend })).toEqual(new Float32Array(0))
  })

  it('may compare boxes with themselves: only out must be apart', () => {
    const matrix = pairwise('giou', b, b, { backend })
    expect([matrix[0], matrix[4], matrix[8]]).toEqual([0, 0, 0])
  })
})

describe('errors', () => {
  const boxes = new Float32Array(8)
  it.each<[string, () => unknown, RegExp]>([
    ['name', () => pairwise('nms' as never, boxes, boxes), /^name: expected one of 'sca'/],
    ['a', () => pairwise('iou', [0, 0, 1, 1] as never, boxes as never), /^a: expected a Float32Array or Float64Array/],
    ['a of a wrong length', () => pairwise('iou', new Float32Array(7), boxes), /^a: expected .* multiple of 4/],
    ['b of a wrong length', () => pairwise('sca3', new Float32Array(6), boxes), /^b: expected .* multiple of 6/],
    [
      'b of another dtype',
      () => pairwise('iou', boxes, new Float64Array(4) as never),
      /^b: expected a Float32Array, as a/,
    ],
    [
      'an unknown option',
      () => pairwise('iou', boxes, boxes, { reduction: 'none' } as never),
      /^options: .*"reduction"/,
    ],
    [
      'similarity',
      () => pairwise('iou', boxes, boxes, { similarity: 1 } as never),
      /^similarity: expected true or false/,
    ],
    ['alpha', () => pairwise('sca', boxes, boxes, { alpha: 1e39 }), /^alpha: .*range of float32/],
    ['device', () => pairwise('sca', boxes, boxes, { backend: 'cpu', device: -1 }), /^device: /],
    ['out over b', () => pairwise('iou', new Float32Array(8), boxes, { out: boxes.subarray(0, 4) }), /^out: .*with b/],
    ['format', () => pairwise('so3', new Float32Array(6), new Float32Array(6), { format: 'yxyx' }), /^format: /],
    [
      'out too short',
      () => pairwise('iou', boxes, boxes, { out: new Float32Array(3) }),
      /^out: expected length 4 \(\[2, 2\]\)/,
    ],
    [
      'out of another dtype',
      () => pairwise('iou', boxes, boxes, { out: new Float64Array(4) as never }),
      /^out: .*as a is/,
    ],
    ['out that overlaps', () => pairwise('iou', boxes, boxes, { out: boxes.subarray(0, 4) }), /^out: .*overlap with a/],
    [
      'threads, where none are used',
      () => pairwise('iou', new Float32Array(0), boxes, { backend: 'js', threads: 'x' as never }),
      /^threads: /,
    ],
    ['an option of another loss', () => pairwise('sca' as LossName, boxes, boxes, { power: 3 }), /^power: /],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(ScaLossError)
    expect(call).toThrow(message)
  })

  it('a matrix larger than memory', () => {
    const many = new Float32Array(4e6)
    expect(() => pairwise('iou', many, many)).toThrow(
      expect.objectContaining({
        code: 'ERR_SCALOSS_OUT_OF_MEMORY',
        message: expect.stringMatching(/^pairwise: \[1000000, 1000000\] values need 3725\.3 GiB/),
      }),
    )
  })
})

it('a matrix larger than the memory that is free is refused', () => {
  const available = vi.spyOn(process, 'availableMemory').mockReturnValue(2 ** 27)
  const many = new Float32Array(4 * 6000)
  const call = () => pairwise('iou', many, many, { backend: 'cpu' })
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_OUT_OF_MEMORY' }))
  available.mockRestore()
})

describe.each(EVERY_BACKEND)('invalid boxes, %s', (backend) => {
  // An inverted box and one that is not finite on each side, and one that is flat, which is valid.
  const a = new Float32Array([0, 0, 2, 2, 5, 5, 3, 6, Number.NaN, 0, 1, 1, 4, 4, 4, 8])
  const b = new Float32Array([0, 0, 2, 2, 1, 9, 3, 6, 0, 0, Number.POSITIVE_INFINITY, 1])

  it('are counted on both sides, and the values are those of a plain call', () => {
    const values = pairwise('iou', a, b, { backend, onInvalid: 'propagate' })
    expect(pairwise('iou', a, b, { backend, detailed: true })).toEqual({ values, invalid: 4, backend })
    const out = new Float32Array(12)
    expect(pairwise('iou', a, b, { backend, detailed: true, out }).values).toBe(out)
  })

  it('are judged as corners, in any format', () => {
    const [box, other] = [new Float32Array([30, 353, 230, 87]), new Float32Array([27, 341, 246, 107])]
    const count = (format: 'xyxy' | 'xywh') =>
      pairwise('iou', box, other, { backend, format, similarity: true, detailed: true })
    expect(count('xyxy').invalid).toBe(2)
    expect(count('xywh').invalid).toBe(0)
    expect(count('xywh').values[0]).toBeCloseTo((230 * 87) / (246 * 107), 6)
  })

  it('of three axes', () => {
    const boxes = new Float64Array([0, 0, 0, 1, 1, 1, 0, 0, 2, 1, 1, 1])
    expect(pairwise('sca3', boxes, boxes, { backend, detailed: true }).invalid).toBe(2)
  })

  it("with onInvalid: 'throw' are an error that names the row, and nothing is written", () => {
    const out = new Float32Array(12).fill(7)
    const thrown = (first: Float32Array, second: Float32Array, where: Float32Array) => () =>
      pairwise('iou', first, second, { backend, onInvalid: 'throw', out: where })
    expect(thrown(a, b, out)).toThrow(
      expect.objectContaining({
        code: 'ERR_SCALOSS_INVALID_BOX',
        message: "a: row 1 is not a finite box with x1 <= x2 and y1 <= y2: [5, 5, 3, 6] as 'xyxy'",
      }),
    )
    expect(thrown(b.subarray(0, 4), b, out.subarray(0, 3))).toThrow(/^b: row 1 is not a finite box/)
    expect(out).toEqual(new Float32Array(12).fill(7))
    expect(thrown(a.subarray(0, 4), a.subarray(12), out.subarray(0, 1))).not.toThrow()
  })
})

describe('a call that returns numbers alone', () => {
  const script = (options: string) => `
    const { pairwise } = require(${JSON.stringify(join(ROOT, 'dist/index.js'))})
    process.on('warning', ({ name, code, message }) => console.log(name, code, message))
    const [a, b] = [new Float32Array([30, 353, 230, 87]), new Float32Array([27, 341, 246, 107])]
    for (let i = 0; i < 3; i++) pairwise('iou', a, b, { backend: 'cpu', similarity: true, ${options} })`
  const said = (options: string) => {
    const { stdout } = endOf(script(options))
    return stdout.trim().split('\n')
  }

  it('warns once per process of boxes in another format than it was told', () => {
    const lines = said('')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(
      /^ScaLossWarning SCALOSS_INVALID_BOXES pairwise\('iou'\): 2 boxes are not finite or inverted/,
    )
    expect(lines[0]).toContain("as 'xyxy'. Set format, or pass detailed: true")
  })

  it.each(["format: 'xywh'", 'detailed: true', "onInvalid: 'propagate'"])('says nothing with %s', (options) => {
    expect(said(options)).toEqual([''])
  })

  it.each([
    [{ onInvalid: 'ignore' }, /^onInvalid: expected one of 'propagate', 'throw', got "ignore"/],
    [{ detailed: 1 }, /^detailed: expected true or false, got 1/],
  ])('refuses %j', (options, message) => {
    const box = new Float32Array(4)
    expect(() => pairwise('iou', box, box, options as never)).toThrow(message)
  })
})
