import { describe, expect, test, vi } from 'vitest'
import type { LossName } from '../../src/core/losses.js'
import { loadNative } from '../../src/native/addon.js'
import {
  GEOMETRIES,
  learningRate,
  lossOptions,
  SIMULATION_LOSSES,
  type SimulationOptions,
  simulate,
  simulationCases,
} from '../../src/simulation.js'
import { parameters, runs } from '../data/simulation.json'
import { rejection } from '../support/rejection.js'

/** The curves of a run. */
function curves(loss: LossName, options: SimulationOptions) {
  const states = [...simulate(loss, options)]
  expect(states.map(({ iteration }) => iteration)).toEqual(states.map((_, t) => t))
  return { iou: states.map(({ meanIou }) => meanIou), l1: states.map(({ totalL1 }) => totalL1) }
}

const overlaps = (boxes: number[], targets: number[], i: number) =>
  [0, 1].every((axis) => {
    const low = Math.max(boxes[i + axis], targets[i + axis])
    return Math.min(boxes[i + 2 + axis], targets[i + 2 + axis]) > low
  })

describe('the cases', () => {
  test.each(GEOMETRIES)('%s: 3600 anchors against 5 targets', (geometry) => {
    const { boxes, targets } = simulationCases(geometry)
    expect([boxes.length, targets.length]).toEqual([4 * 18000, 4 * 18000])
    const rows = (numbers: number[]) =>
      new Set(Array.from({ length: 18000 }, (_, i) => `${numbers.slice(4 * i, 4 * i + 4)}`))
    expect(rows(boxes).size).toBe(3600)
    expect(rows(targets).size).toBe(5)
    for (let i = 0; i < targets.length; i += 4) {
      const [x1, y1, x2, y2] = targets.slice(i, i + 4)
      expect((x2 - x1) * (y2 - y1)).toBeCloseTo(16, 12)
      expect([x1 + x2, y1 + y2]).toEqual([20, 20])
    }
  })

  test('most anchors overlap their target in the dense geometry, as of the reference, and few in the wide one', () => {
    const share = (geometry: (typeof GEOMETRIES)[number]) => {
      const { boxes, targets } = simulationCases(geometry)
      return Array.from({ length: 18000 }, (_, i) => overlaps(boxes, targets, 4 * i)).filter(Boolean).length / 18000
    }
    expect(share('dense')).toBeCloseTo(parameters.start.frac_overlap, 9)
    expect(share('wide')).toBeCloseTo(0.176, 9)
  })
})

// Both bounds are what rounding alone does: where cd overshoots at the slow rate, a last bit decides which way a box
// goes next.
describe.each(['float32', 'float64'] as const)('descent in %s follows the reference', (dtype) => {
  const tolerance = parameters.tolerance[dtype]
  test.each(runs)('$loss at rate $lr', ({ loss, lr, enlarge, iou, l1 }) => {
    const [name, alpha] = loss.split('@')
    const own = alpha === undefined ? {} : { alpha: Number(alpha) }
    const run = curves(name as LossName, { lr, enlarge, dtype, ...own })
    expect([run.iou.length, run.l1.length]).toEqual([iou.length, l1.length])
    expect(Math.max(...run.iou.map((value, t) => Math.abs(value - iou[t])))).toBeLessThanOrEqual(tolerance.iou)
    // test/data/README.md: the last steps of cd.
    const slack = 2e-4
    const excess = run.l1.map((value, t) => Math.abs(value - l1[t]) - tolerance.l1 * l1[t])
    expect(Math.max(...excess)).toBeLessThanOrEqual(slack)
  })
})

describe('defaults', () => {
  const SHORT = {
    geometry: 'dense',
    lr: 0.1,
    iterations: 3,
    enlarge: false,
    dtype: 'float32',
    backend: 'auto',
  } as const
  const OTHERS = { geometry: 'wide', lr: 0.2, iterations: 4, enlarge: true, dtype: 'float64', backend: 'js' } as const
  const states = (options: SimulationOptions) =>
    [...simulate('diou', options)].map(({ boxes, ...state }) => ({ ...state, bytes: boxes.BYTES_PER_ELEMENT }))

  test.each(Object.keys(SHORT).filter((option) => option !== 'iterations') as (keyof typeof SHORT)[])(
    '%s: as if it were given, and not as another value',
    (option) => {
      const { [option]: value, ...rest } = SHORT
      expect(states(rest)).toEqual(states({ ...rest, [option]: value }))
      expect(states(rest)).not.toEqual(states({ ...rest, [option]: OTHERS[option] }))
    },
  )

  test('iterations: 200; and no options at all are all defaults', () => {
    const { iterations, ...rest } = SHORT
    const run = states({})
    expect(run.length).toBe(201)
    expect(run).toEqual(states({ ...rest, iterations: 200 }))
    expect([...simulate('diou')].length).toBe(201)
  })

  test('of the cases and of the options of a loss', () => {
    expect(simulationCases()).toEqual(simulationCases('dense'))
    expect(lossOptions('so')).toEqual({})
    expect(lossOptions('nwd')).toEqual({ constant: 4 })
  })
})

describe('options', () => {
  test('the rate falls to a tenth after 80 % of the iterations, to a hundredth after 90 %', () => {
    expect([1, 160, 161, 180, 181, 200].map((t) => learningRate(2, t, 200))).toEqual([2, 2, 0.2, 0.2, 0.02, 0.02])
    expect([1, 2, 3, 4, 5].map((t) => learningRate(1, t, 5))).toEqual([1, 1, 1, 1, 0.01])
  })

  test.each(GEOMETRIES)(
    '%s: a step is down the gradient, times the rate, and with enlarge times 2 - IoU',
    (geometry) => {
      const { boxes, targets } = simulationCases(geometry)
      const area = ([x1, y1, x2, y2]: number[]) => (x2 - x1) * (y2 - y1)
      const iouOf = (i: number) => {
        const [b, g] = [boxes.slice(i, i + 4), targets.slice(i, i + 4)]
        if (!overlaps(boxes, targets, i)) return 0
        const common = area([...[0, 1].map((j) => Math.max(b[j], g[j])), ...[2, 3].map((j) => Math.min(b[j], g[j]))])
        return common / (area(b) + area(g) - common)
      }
      const stepped = (enlarge: boolean) => {
        const states = simulate('l1', { geometry, lr: 0.125, iterations: 10, enlarge, dtype: 'float64' })
        states.next()
        return states.next().value!.boxes
      }
      const [plain, enlarged] = [stepped(false), stepped(true)]
      for (let i = 0; i < boxes.length; i += 4 * 97) {
        const factor = 2 - iouOf(i)
        for (let j = i; j < i + 4; j++) {
          const direction = Math.sign(targets[j] - boxes[j]) // l1 has a gradient of length 1
          expect(plain[j]).toBeCloseTo(boxes[j] + 0.125 * direction, 12)
          expect(enlarged[j]).toBeCloseTo(boxes[j] + 0.125 * factor * direction, 12)
        }
      }
    },
  )

  test.each(SIMULATION_LOSSES)('%s brings the boxes nearer', (loss) => {
    const { iou, l1 } = curves(loss, { iterations: 20 })
    expect(l1[20]).toBeLessThan(l1[0])
    expect(iou[20]).toBeGreaterThan(iou[0])
  })

  test('losses that must know the size of things are told it', () => {
    expect(lossOptions('mpdiou')).toEqual({ imageWidth: 20, imageHeight: 20 })
    expect(lossOptions('nwd', { constant: 2 })).toEqual({ constant: 2 })
    expect(lossOptions('sca', { alpha: 1 })).toEqual({ alpha: 1 })
    const end = (options: SimulationOptions) => curves('nwd', { iterations: 5, ...options }).iou[5]
    expect(end({ constant: 4 })).toBe(end({}))
    const none: object = { constant: undefined, imageWidth: undefined }
    expect(end(none)).toBe(end({}))
    expect(lossOptions('mpdiou', none)).toEqual(lossOptions('mpdiou'))
    expect(end({ constant: 2 })).not.toBe(end({}))
  })

  test('the backends agree', () => {
    const of = (backend: 'auto' | 'js') => curves('sca', { iterations: 5, dtype: 'float64', backend }).iou
    const [fast, plain] = [of('auto'), of('js')]
    expect(plain.map((value, t) => Math.abs(value - fast[t])).every((difference) => difference < 1e-12)).toBe(true)
  })

  test('of no iterations is the start', () => {
    expect([...simulate('so', { iterations: 0, backend: 'cpu' })].map(({ iteration }) => iteration)).toEqual([0])
  })

  test('lets go of its memory, also where it is left early', () => {
    const release = vi.spyOn(loadNative(), 'release')
    for (const _ of simulate('so', { iterations: 1, backend: 'cpu' })) break
    expect(release).toHaveBeenCalledOnce()
    release.mockRestore()
  })

  test.each<[string, unknown, object]>([
    ['name', 'sca3', {}],
    ['name', 'scaa', {}],
    ['options', 'sca', { format: 'xywh' }],
    ['geometry', 'sca', { geometry: 'narrow' }],
    ['lr', 'sca', { lr: 0 }],
    ['lr', 'sca', { lr: '0.1' }],
    ['iterations', 'sca', { iterations: 1.5 }],
    ['enlarge', 'sca', { enlarge: 1 }],
    ['dtype', 'sca', { dtype: 'float16' }],
    ['backend', 'sca', { backend: 'gpu' }],
    ['alpha', 'so', { alpha: 2 }],
  ])('a wrong %s: %s %o', (argument, name, options) => {
    expect(rejection(() => simulate(name as LossName, options).next()).argument).toBe(argument)
  })
})
