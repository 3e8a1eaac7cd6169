import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { Decimal } from 'decimal.js'
import {
  abs,
  aspectAngle,
  Dual,
  div,
  exactly,
  exp,
  ln,
  max,
  min,
  mul,
  PI,
  positive,
  pow,
  sqrt,
  square,
  sub,
  sum,
} from './golden-dual.mjs'

// Writes test/data/golden-family.json.gz: the losses and options that golden.json.gz lacks, for some of its pairs,
// evaluated in 80 digits from the formulas of docs/losses.md. It shares no code with the package, because it serves to
// check that code. With --check it recomputes a sample instead, and exits with 1 if the file differs.

/**
 * @import { LossName, LossOptions } from '../src/core/types.js'
 * @import { Term } from './golden-dual.mjs'
 * @typedef {ReturnType<typeof geometry>} Geometry
 * @typedef {{ label: string, loss: LossName, options: LossOptions }} Variant
 */

const EPSILON = exactly(1e-7)

/** @param {Dual[]} corners */
function overlap([x1, y1, x2, y2, X1, Y1, X2, Y2]) {
  const [w, h, W, H] = [sub(x2, x1), sub(y2, y1), sub(X2, X1), sub(Y2, Y1)]
  const [wmin, hmin] = [sub(min(x2, X2), max(x1, X1)), sub(min(y2, Y2), max(y1, Y1))]
  const I = mul(positive(wmin), positive(hmin))
  return { w, h, W, H, wmin, hmin, I, U: sub(sum(mul(w, h), mul(W, H)), I) }
}

/** Both boxes scaled about their own centres. @type {(corners: Dual[], ratio: number) => Dual[]} */
const scaled = (corners, ratio) =>
  corners.map((corner, k) => {
    const other = corners[k ^ 2] // of the same axis
    return sum(mul((1 + ratio) / 2, corner), mul((1 - ratio) / 2, other))
  })

/**
 * What the formulas are made of, in the names of docs/losses.md.
 * @param {Decimal.Value[]} coordinates x1,y1,x2,y2 of the prediction, then of the target.
 */
export function geometry(coordinates) {
  const corners = coordinates.map((value, k) => {
    /** @type {Dual['grad']} */
    const grad = []
    grad[k] = new Decimal(1)
    return new Dual(typeof value === 'number' ? exactly(value) : value, grad)
  })
  const [x1, y1, x2, y2, X1, Y1, X2, Y2] = corners
  const boxes = overlap(corners)
  const [wmax, hmax] = [sub(max(x2, X2), min(x1, X1)), sub(max(y2, Y2), min(y1, Y1))]
  const differences = [sub(x1, X1), sub(y1, Y1), sub(x2, X2), sub(y2, Y2)]
  const dx = div(sum(differences[0], differences[2]), 2)
  const dy = div(sum(differences[1], differences[3]), 2)
  const turn = sub(aspectAngle(boxes.W, boxes.H), aspectAngle(boxes.w, boxes.h))
  return {
    ...boxes,
    corners,
    wmax,
    hmax,
    C: mul(wmax, hmax),
    c2: sum(square(wmax), square(hmax)),
    /** x1 − X1, y1 − Y1, x2 − X2, y2 − Y2 */
    differences,
    dx,
    dy,
    rho2: sum(square(dx), square(dy)),
    /** The aspect term of ciou. */
    v: mul(new Decimal(4).div(PI.pow(2)), square(turn)),
  }
}

/** @param {Geometry} g */
const sideOverlap = (g) => sub(2, sum(div(g.wmin, g.wmax, 1), div(g.hmin, g.hmax, 1)))

/** The authors' code has an epsilon that is not 0. @type {(g: Geometry, epsilon: Term) => Dual} */
function cornerDistance(g, epsilon) {
  const [x1, y1, x2, y2, wmax, hmax] = [...g.differences, g.wmax, g.hmax].map((side) => square(sum(side, epsilon)))
  return div(sum(sqrt(sum(x1, y1)), sqrt(sum(x2, y2))), sum(sqrt(sum(wmax, hmax)), epsilon))
}

/** @param {Geometry} g */
function siouTerm(g) {
  const angle = div(mul(2, abs(mul(g.dx, g.dy))), g.rho2)
  /** @type {(offset: Dual, extent: Dual) => Dual} */
  const distance = (offset, extent) => sub(1, exp(mul(sub(angle, 2), square(div(offset, extent)))))
  /** @type {(side: Dual, other: Dual) => Dual} */
  const shape = (side, other) =>
    square(square(sub(1, exp(mul(-1, div(abs(sub(side, other)), max(abs(side), abs(other))))))))
  return div(sum(distance(g.dx, g.wmax), distance(g.dy, g.hmax), shape(g.w, g.W), shape(g.h, g.H)), 2)
}

/** @type {(difference: Dual, beta: number) => Dual} */
const smoothL1 = (difference, beta) =>
  difference.value.abs().lt(beta) ? div(square(difference), 2 * beta) : sub(abs(difference), beta / 2)

/**
 * The terms whose sum is the loss.
 * @param {LossName} loss
 * @param {LossOptions} options
 * @param {Geometry} g
 * @param {Geometry} at Where the factors that count as constants are taken: a of ciou, IoU^γ.
 */
export function lossTerms(loss, options, g, at = g) {
  const { alpha = options.convention === 'official' ? 1 : 0.5, beta = 1 } = options
  const cd = () => cornerDistance(g, options.convention === 'official' ? EPSILON : 0)
  switch (loss) {
    case 'so':
      return [sideOverlap(g)]
    case 'cd':
      return [cd()]
    case 'sca':
      return [sideOverlap(g), mul(alpha, cd())]
    case 'center':
      return [div(sqrt(g.rho2), sqrt(g.c2))]
    case 'center2':
      return [div(g.rho2, g.c2)]
    case 'l1':
      return g.differences.map(abs)
    case 'smooth_l1':
      return g.differences.map((difference) => smoothL1(difference, beta))
    case 'nwd': {
      const sides = sum(square(sub(g.w, g.W)), square(sub(g.h, g.H)))
      const distance = sqrt(sum(g.rho2, div(sides, 4)))
      return [sub(1, exp(div(distance, -Number(options.constant))))]
    }
  }

  const { mode = 'linear', logFloor = 1e-6, power = 1, inner = 1, focal = 0, detachAlpha = true } = options
  const epsilon = options.convention === 'torchvision' ? EPSILON : 0
  /** @param {{ I: Dual, U: Dual }} boxes */
  const iou = ({ I, U }) => div(I, sum(U, epsilon))
  /** @param {Geometry} g */
  const aspectWeight = (g) => div(g.v, sum(sub(1, iou(g)), g.v, epsilon))

  /** @type {() => Dual[]} */
  const furtherTerms = () => {
    const center2 = div(g.rho2, sum(g.c2, epsilon))
    switch (loss) {
      case 'iou':
        return []
      case 'giou':
        return [div(sub(g.C, g.U), sum(g.C, epsilon))]
      case 'diou':
        return [center2]
      case 'ciou':
        return [center2, mul(detachAlpha ? aspectWeight(at).value : aspectWeight(g), g.v)]
      case 'iou_cd':
        return [mul(alpha, cd())]
      case 'eiou':
        return [center2, square(div(sub(g.w, g.W), g.wmax)), square(div(sub(g.h, g.H), g.hmax))]
      case 'siou':
        return [siouTerm(g)]
      case 'mpdiou': {
        const { imageWidth, imageHeight } = options
        return [div(sum(...g.differences.map(square)), Number(imageWidth) ** 2 + Number(imageHeight) ** 2)]
      }
      default:
        throw new Error(`no formula for ${loss}`)
    }
  }
  const similarity = iou(inner === 1 ? g : overlap(scaled(g.corners, inner)))
  const floor = exactly(logFloor)
  const first = {
    linear: () => sub(1, power === 1 ? similarity : pow(similarity, power)),
    square: () => sub(1, square(similarity)),
    log: () => (similarity.value.gt(floor) ? mul(-1, ln(similarity)) : new Dual(floor.ln().negated())),
  }[mode]()
  const terms = [first, ...furtherTerms().map((term) => (power === 1 ? term : pow(term, power)))]
  return focal === 0 ? terms : terms.map((term) => mul(pow(iou(at), focal).value, term))
}

// Every option is a float32 number, so that both types are held to the same results. The 1e-7 of the conventions is
// not: rounding it to float32 moves it by 0.2 float32 ulp, and its share of a result by no more.
/** @type {Variant[]} */
export const variants = [
  { label: 'sca@official', loss: 'sca', options: { convention: 'official' } },
  { label: 'cd@official', loss: 'cd', options: { convention: 'official' } },
  { label: 'iou_cd@1.0', loss: 'iou_cd', options: { alpha: 1 } },
  { label: 'eiou', loss: 'eiou', options: {} },
  { label: 'siou', loss: 'siou', options: {} },
  { label: 'mpdiou', loss: 'mpdiou', options: { imageWidth: 640, imageHeight: 480 } },
  { label: 'l1', loss: 'l1', options: {} },
  { label: 'smooth_l1', loss: 'smooth_l1', options: {} },
  { label: 'smooth_l1@beta=7/64', loss: 'smooth_l1', options: { beta: 7 / 64 } },
  { label: 'nwd', loss: 'nwd', options: { constant: 96 } },
  { label: 'ciou@attached', loss: 'ciou', options: { detachAlpha: false } },
  { label: 'giou@torchvision', loss: 'giou', options: { convention: 'torchvision' } },
  { label: 'diou@torchvision', loss: 'diou', options: { convention: 'torchvision' } },
  { label: 'ciou@torchvision', loss: 'ciou', options: { convention: 'torchvision' } },
  { label: 'iou@log', loss: 'iou', options: { mode: 'log', logFloor: 2 ** -20 } },
  { label: 'giou@log', loss: 'giou', options: { mode: 'log', logFloor: 2 ** -20 } },
  { label: 'iou@square', loss: 'iou', options: { mode: 'square' } },
  { label: 'iou@power=3', loss: 'iou', options: { power: 3 } },
  { label: 'giou@power=3', loss: 'giou', options: { power: 3 } },
  { label: 'diou@power=3', loss: 'diou', options: { power: 3 } },
  { label: 'ciou@power=3', loss: 'ciou', options: { power: 3 } },
  { label: 'iou@power=1/2', loss: 'iou', options: { power: 0.5 } },
  { label: 'ciou@power=1/2', loss: 'ciou', options: { power: 0.5 } },
  { label: 'iou@inner=11/16', loss: 'iou', options: { inner: 11 / 16 } },
  { label: 'giou@inner=5/4', loss: 'giou', options: { inner: 5 / 4 } },
  { label: 'ciou@inner=3/4', loss: 'ciou', options: { inner: 3 / 4 } },
  { label: 'siou@inner=13/16', loss: 'siou', options: { inner: 13 / 16 } },
  { label: 'eiou@focal=1/2', loss: 'eiou', options: { focal: 0.5 } },
  { label: 'ciou@focal=1/2', loss: 'ciou', options: { focal: 0.5 } },
  // Several at once, where one could get in another's way.
  { label: 'eiou@mixed', loss: 'eiou', options: { mode: 'square', inner: 5 / 4, focal: 0.5 } },
  { label: 'ciou@mixed', loss: 'ciou', options: { power: 3, inner: 5 / 4, focal: 2, detachAlpha: false } },
]

const DATA = new URL('../test/data/', import.meta.url)
/** @param {string} name */
const read = (name) => JSON.parse(gunzipSync(readFileSync(new URL(name, DATA))).toString())

/** Pairs of each category. */
const COUNT = 30
/** Pairs of each category that --check recomputes. */
const SAMPLE = 3

/** @type {(n: number, count: number) => number[]} */
const evenly = (n, count) => Array.from({ length: Math.min(n, count) }, (_, i) => Math.floor((i * n) / count))

/**
 * Some pairs of a category, evenly over its kinds and within each.
 * @param {{ kinds: string[], kind: number[] }} category
 */
function choose({ kinds, kind }) {
  const members = kinds.map((_, k) => kind.flatMap((of, i) => (of === k ? [i] : [])))
  const count = (/** @type {number} */ k) => Math.floor((COUNT + kinds.length - 1 - k) / kinds.length)
  return members.flatMap((of, k) => evenly(of.length, count(k)).map((i) => of[i])).sort((a, b) => a - b)
}

/**
 * Loss and gradient of a pair of golden.json.gz for every variant, rounded once, and the largest of 1, the loss and its
 * terms.
 * @param {{ pred: number[], target: number[] }} category
 * @param {number} i
 * @param {Variant[]} of
 */
export function results({ pred, target }, i, of = variants) {
  const g = geometry([...pred.slice(4 * i, 4 * i + 4), ...target.slice(4 * i, 4 * i + 4)])
  return of.map(({ label, loss, options }) => {
    const terms = lossTerms(loss, options, g)
    const { value, grad } = sum(...terms)
    const row = Array.from({ length: 8 }, (_, k) => (grad[k] ?? new Decimal(0)).toNumber() + 0)
    const scale = Decimal.max(1, value.abs(), ...terms.map((term) => term.value.abs())).toNumber()
    return { label, loss: value.toNumber() + 0, gradPred: row.slice(0, 4), gradTarget: row.slice(4), scale }
  })
}

function generate() {
  const categories = read('golden.json.gz').categories.map((/** @type {any} */ category) => {
    const index = choose(category)
    const pairs = index.map((i) => results(category, i))
    /** @param {(result: ReturnType<typeof results>[0]) => number | number[]} pick */
    const byLabel = (pick) =>
      Object.fromEntries(variants.map(({ label }, k) => [label, pairs.flatMap((pair) => pick(pair[k]))]))
    return {
      name: category.name,
      index,
      loss: byLabel(({ loss }) => loss),
      grad_pred: byLabel(({ gradPred }) => gradPred),
      grad_target: byLabel(({ gradTarget }) => gradTarget),
      // Elsewhere the terms are positive: none is larger than the loss.
      ...(category.name === 'inverted' ? { scale: byLabel(({ scale }) => scale) } : {}),
    }
  })
  const bytes = gzipSync(JSON.stringify({ variants, categories }), { level: 9 })
  writeFileSync(new URL('golden-family.json.gz', DATA), bytes)
  console.log(
    `${variants.length} variants of ${COUNT} pairs in each of ${categories.length} categories: ${bytes.length} bytes`,
  )
}

/** Where the file says anything else than these formulas. */
export function differences() {
  const [golden, family] = [read('golden.json.gz'), read('golden-family.json.gz')]
  /** @type {string[]} */
  const found = JSON.stringify(family.variants) === JSON.stringify(variants) ? [] : ['variants']
  for (const [c, stored] of family.categories.entries()) {
    for (const at of evenly(stored.index.length, SAMPLE)) {
      for (const { label, loss, gradPred, gradTarget } of results(golden.categories[c], stored.index[at])) {
        const row = (/** @type {Record<string, number[]>} */ grad) => grad[label].slice(4 * at, 4 * at + 4)
        const expected = [stored.loss[label][at], ...row(stored.grad_pred), ...row(stored.grad_target)]
        const same = [loss, ...gradPred, ...gradTarget].every((value, k) => value === expected[k])
        if (!same) found.push(`${stored.name}, pair ${stored.index[at]}, ${label}`)
      }
    }
  }
  return found
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values: flags } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
  if (flags.check) {
    const found = differences()
    console.log(
      found.length ? `Not what the formulas give:\n  ${found.join('\n  ')}` : 'The sample is what the formulas give.',
    )
    process.exitCode = found.length ? 1 : 0
  } else generate()
}
