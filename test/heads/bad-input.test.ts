import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CODER_PRESETS, type CoderPreset } from '../../src/core/coder-presets.js'
import { type BackendName, boxCoder, type FloatArray, headLoss } from '../../src/index.js'
import { headRows } from '../support/heads.js'
import { ROOT } from '../support/project.js'

// Wrong arguments of boxCoder, headLoss, decode and encode: a clear error, and nothing written.
const anything = (value: unknown) => value as never

describe('boxCoder', () => {
  it.each(Object.entries(CODER_PRESETS))('the preset %s is its kind with its options', (name, { kind, options }) => {
    expect(boxCoder(name as CoderPreset).params).toEqual(boxCoder(kind, options).params)
  })

  it('docs/heads.md lists every preset with its source', () => {
    const page = readFileSync(join(ROOT, 'docs/heads.md'), 'utf8')
    const rows = page.split('\n')
    for (const [name, { kind, source }] of Object.entries(CODER_PRESETS)) {
      const [row] = rows.filter((line) => line.startsWith(`| \`${name}\` | \`${kind}\` |`))
      expect(row?.endsWith(`| ${source} |`), name).toBe(true)
    }
  })

  it('options replace those of a preset', () => {
    expect(boxCoder('mmdet-roi', { stds: [1, 1, 1, 1] }).params).toEqual(boxCoder('mmdet-rpn').params)
  })

  it.each<[string, unknown, object, string]>([
    ['a kind that does not exist', 'yolo', {}, "kind: expected one of 'deltas'"],
    ['an option that does not exist', 'deltas', { std: [1] }, 'options: expected only the members'],
    ['an option of another kind', 'yolox', { bins: 4 }, "bins: expected no value with 'yolox' (it is for dfl)"],
    [
      'stds that are not positive',
      'deltas',
      { stds: [1, 1, 0, 1] },
      'stds: expected an array of 4 finite numbers above 0, got 0 at [2]',
    ],
    ['too few means', 'deltas', { means: [0] }, 'means: expected an array of 4 finite numbers, got an array of 1'],
    ['an order', 'deltas', { order: 'xy' }, "order: expected one of 'xywh', 'yxhw'"],
    ['clamps in the wrong order', 'deltas', { minLogSize: 5 }, 'minLogSize: expected a number up to maxLogSize'],
    ['a clamp that is NaN', 'deltas', { maxLogSize: Number.NaN }, 'maxLogSize: expected a number, got NaN'],
    ['scaleXY', 'yolov3', { scaleXY: 0 }, 'scaleXY: expected a finite number above 0'],
    ['an activation', 'ltrb', { activation: 'softplus' }, "activation: expected one of 'exp', 'relu', 'linear'"],
    ['one bin', 'dfl', { bins: 1 }, 'bins: expected a whole number from 2 to 64, got 1'],
    [
      'a project of another length than bins',
      'dfl',
      { bins: 4, project: [0, 1, 2] },
      'project: expected an array of 4',
    ],
    ['a clamp beyond the bins', 'dfl', { bins: 4, targetClamp: 3.5 }, 'targetClamp: expected a number from 0 to 3'],
    ['a size of the image', 'detr', { imageWidth: -1 }, 'imageWidth: expected a finite number above 0'],
    ['an eps', 'detr', { eps: 0.5 }, 'eps: expected a number above 0 and below 0.5'],
  ])('%s', (_, kind, options, message) => {
    expect(() => boxCoder(anything(kind), options)).toThrow(message)
  })

  it('cannot be changed afterwards', () => {
    const stds = [1, 1, 1, 1]
    const coder = boxCoder('deltas', { stds })
    stds[0] = 5
    expect(coder.params.stds[0]).toBe(1)
    expect(() => {
      Object.assign(coder, { params: {} })
    }).toThrow()
    expect([coder.kind, coder.columns, coder.priorColumns]).toEqual(['deltas', 4, 4])
    expect(boxCoder('dfl', { bins: 17 }).columns).toBe(68)
  })
})

describe.each<BackendName>(['cpu', 'wasm', 'js'])('headLoss, %s', (backend) => {
  const coder = boxCoder('yolov3')
  const { raw, prior, target } = headRows(coder, 6, Float32Array)
  const grad = new Float32Array(24).fill(7)
  const call = (change: Record<string, unknown> = {}, options: object = {}) => {
    const all = { coder, raw, prior, target, ...change }
    return headLoss(
      'giou' as never,
      anything(all.coder),
      anything(all.raw),
      anything(all.prior),
      anything(all.target),
      anything({ backend, out: { grad }, ...options }),
    )
  }
  const changed = (array: FloatArray, index: number, value: number) => array.map((x, i) => (i === index ? value : x))

  it.each<[string, Record<string, unknown>, object, string]>([
    ['no coder', { coder: {} }, {}, 'coder: expected a coder of boxCoder()'],
    ['raw of a wrong width', { raw: new Float32Array(22) }, {}, 'raw: expected a length that is a multiple of 4'],
    [
      'raw of the width of another coder',
      { coder: boxCoder('dfl') },
      {},
      'raw: expected a length that is a multiple of 64',
    ],
    ['raw of another type', { raw: [1, 2, 3, 4] }, {}, 'raw: expected a Float32Array or Float64Array'],
    [
      'no prior',
      { prior: undefined },
      {},
      'prior: expected [A, 5] numbers (left, top, stride, anchor width, anchor height)',
    ],
    ['a prior of another dtype', { prior: new Float64Array(30) }, {}, 'prior: expected a Float32Array, as raw is'],
    [
      'a prior of a wrong width',
      { prior: new Float32Array(24) },
      {},
      'prior: expected a length that is a multiple of 5',
    ],
    ['priors that do not divide the rows', { prior: new Float32Array(20) }, {}, 'prior: expected rows of which 6'],
    ['no priors', { prior: new Float32Array(0) }, {}, 'prior: expected rows of which 6'],
    [
      'a stride of 0',
      { prior: changed(prior, 7, 0) },
      {},
      'prior: expected finite numbers left, top, stride, anchor width, anchor height with stride, anchor width, anchor height above 0',
    ],
    ['a negative anchor', { prior: changed(prior, 29, -3) }, {}, 'in row 5'],
    ['a prior that is NaN', { prior: changed(prior, 10, Number.NaN) }, {}, 'in row 2'],
    ['a prior that is infinite', { prior: changed(prior, 11, Infinity) }, {}, 'in row 2'],
    ['targets of another length', { target: new Float32Array(20) }, {}, 'target: expected length 24 ([6, 4])'],
    ['a loss of three axes', {}, { name: 1 }, 'options: expected only the members'],
    [
      'a gradient of a wrong length',
      {},
      { out: { grad: new Float32Array(23) } },
      'out.grad: expected length 24 ([6, 4])',
    ],
    [
      'boxes that are not asked for',
      {},
      { out: { boxes: new Float32Array(24) } },
      'out.boxes: expected to go with boxes: true',
    ],
    [
      'dflWeight with another coder',
      {},
      { dflWeight: 1 },
      "dflWeight: expected 0, unless the coder is 'dfl' without project",
    ],
    [
      'an overlap of a result with raw',
      {},
      { out: { grad: raw } },
      'out.grad: expected memory that no other array of the call uses, got an overlap with raw',
    ],
    [
      'an overlap of the results',
      {},
      { boxes: true, out: { grad, boxes: grad } },
      'out.boxes: expected memory that no other array of the call uses, got an overlap with out.grad',
    ],
    ['a device option', {}, { device: 0 }, 'options: expected only the members'],
  ])('%s', (_, change, options, message) => {
    expect(() => call(change, options)).toThrow(message)
    expect(grad.every((x) => x === 7)).toBe(true)
  })

  it('a loss of three axes', () => {
    expect(() => headLoss(anything('sca3'), coder, raw, prior, target)).toThrow('name: expected a loss of two axes')
  })

  it('anchors that are inverted', () => {
    const deltas = boxCoder('deltas')
    const anchors = new Float32Array([0, 0, 5, 5, 3, 0, 3, 9])
    const rows = new Float32Array(8)
    expect(() => headLoss('iou', deltas, rows, anchors, rows, { backend })).toThrow(
      'prior: expected finite numbers x1, y1, x2, y2 with x1 < x2 and y1 < y2, got [3, 0, 3, 9] in row 1',
    )
    expect(() => deltas.decode(rows, anchors, { backend })).toThrow('in row 1')
  })

  it('no rows', () => {
    const none = new Float32Array(0)
    const { loss, grad, invalid } = headLoss('iou', coder, none, none, none, { backend })
    expect([loss, grad.length, invalid]).toEqual([0, 0, 0])
  })

  it('an array for the boxes of decode', () => {
    const out = new Float32Array(24)
    expect(coder.decode(raw, prior, { out, backend })).toBe(out)
    expect(() => coder.decode(raw, prior, { out: new Float32Array(20), backend })).toThrow(
      'out: expected length 24 ([6, 4])',
    )
    expect(() => coder.decode(raw, prior, { out: raw, backend })).toThrow('out: expected memory')
  })
})

it('encode: dfl has no inverse, and arguments are checked', () => {
  const coder = boxCoder('yolox')
  expect(() => boxCoder('dfl').encode(new Float32Array(4), new Float32Array(3))).toThrow(
    "got 'dfl': many logits have one distance",
  )
  expect(() => coder.encode(new Float32Array(5), new Float32Array(3))).toThrow('boxes: expected a length')
  expect(() => coder.encode(new Float32Array(4), new Float32Array([0, 0, -1]))).toThrow('stride above 0')
  expect(() => coder.encode(new Float32Array(4), new Float32Array(6))).toThrow('prior: expected rows of which 1')
})

it('encode: boxes that no raw number reaches', () => {
  const prior = new Float64Array([0, 0, 8, 10, 10])
  const box = new Float64Array([-100, 0, 0, 0])
  expect(Array.from(boxCoder('yolov3').encode(box, prior))).toEqual([-Infinity, -Infinity, Math.log(10), -Infinity])
  expect(
    Array.from(
      boxCoder('ltrb', { activation: 'relu' }).encode(new Float64Array([5, 5, 9, 9]), new Float64Array([4, 6, 1])),
    ),
  ).toEqual([0, 1, 5, 3])
})

it("'cuda' has no kernels for raw numbers", () => {
  const coder = boxCoder('yolox')
  const [raw, prior] = [new Float32Array(4), new Float32Array([0, 0, 8])]
  expect(() => headLoss('iou', coder, raw, prior, raw, { backend: 'cuda' })).toThrow(
    expect.objectContaining({ code: 'ERR_SCALOSS_UNSUPPORTED' }),
  )
})
