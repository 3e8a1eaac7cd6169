import { parseArgs } from 'node:util'
import { boxLoss } from 'scaloss'
import { machineLine, makeBoxes, quartiles, ratio, report, simdLevels, takeTurns } from './support.mjs'

// Nanoseconds a box for sca, loss and gradient, float32, mean, `out` reused: each SIMD level of this CPU against a plain
// JavaScript loop. --json prints data; --save writes both forms to bench/results/.

const SIZES = [16, 256, 1e3, 1e5, 1e6]
const ROUNDS = 41
const BOXES_PER_TIMING = 5e5

const { values: flags } = parseArgs({
  options: { json: { type: 'boolean', default: false }, save: { type: 'boolean', default: false } },
})

/**
 * The paper's formulas as one writes them for typed arrays.
 * @param {Float32Array} pred
 * @param {Float32Array} target
 * @param {Float32Array} grad
 */
function plainLoop(pred, target, grad) {
  const boxes = pred.length / 4
  let sum = 0
  for (let i = 0; i < pred.length; i += 4) {
    const x1 = pred[i]
    const y1 = pred[i + 1]
    const x2 = pred[i + 2]
    const y2 = pred[i + 3]
    const X1 = target[i]
    const Y1 = target[i + 1]
    const X2 = target[i + 2]
    const Y2 = target[i + 3]
    const wmin = Math.min(x2, X2) - Math.max(x1, X1)
    const hmin = Math.min(y2, Y2) - Math.max(y1, Y1)
    const wmax = Math.max(x2, X2) - Math.min(x1, X1)
    const hmax = Math.max(y2, Y2) - Math.min(y1, Y1)
    const n1 = Math.sqrt((x1 - X1) * (x1 - X1) + (y1 - Y1) * (y1 - Y1))
    const n2 = Math.sqrt((x2 - X2) * (x2 - X2) + (y2 - Y2) * (y2 - Y2))
    const c = Math.sqrt(wmax * wmax + hmax * hmax)
    const cd = (n1 + n2) / c
    sum += 2 - (wmin / wmax + hmin / hmax) + 0.5 * cd

    // How much of each prediction edge is the outer one: all, half (a tie) or nothing. The rest of it is the inner one.
    const left = x1 < X1 ? 1 : x1 > X1 ? 0 : 0.5
    const top = y1 < Y1 ? 1 : y1 > Y1 ? 0 : 0.5
    const right = x2 > X2 ? 1 : x2 < X2 ? 0 : 0.5
    const bottom = y2 > Y2 ? 1 : y2 < Y2 ? 0 : 0.5
    // Outer edge: the enclosing side grows, both in the side ratio and in the diagonal. Inner edge: the shared side shrinks.
    const outerX = wmin / (wmax * wmax) - (0.5 * cd * wmax) / (c * c)
    const outerY = hmin / (hmax * hmax) - (0.5 * cd * hmax) / (c * c)
    const pull1 = n1 > 0 ? 0.5 / (n1 * c) : 0
    const pull2 = n2 > 0 ? 0.5 / (n2 * c) : 0
    grad[i] = ((1 - left) / wmax - left * outerX + pull1 * (x1 - X1)) / boxes
    grad[i + 1] = ((1 - top) / hmax - top * outerY + pull1 * (y1 - Y1)) / boxes
    grad[i + 2] = (right * outerX - (1 - right) / wmax + pull2 * (x2 - X2)) / boxes
    grad[i + 3] = (bottom * outerY - (1 - bottom) / hmax + pull2 * (y2 - Y2)) / boxes
  }
  return sum / boxes
}

const { levels, select, restore } = simdLevels()
const widest = levels[levels.length - 1]

/** @param {number} boxes */
function bench(boxes) {
  const { pred, target } = makeBoxes(boxes)
  const out = { grad: new Float32Array(4 * boxes) }
  const options = /** @type {const} */ ({ backend: 'cpu', threads: 1, out })
  const plainGrad = new Float32Array(4 * boxes)
  const plain = { name: 'plain JS', select: () => {}, call: () => plainLoop(pred, target, plainGrad) }
  const compiled = levels.map((level) => ({
    name: level,
    select: () => select(level),
    call: () => boxLoss('sca', pred, target, options).loss,
  }))

  // The same result first, or the times would compare nothing.
  const expected = plain.call()
  const largest = plainGrad.reduce((max, g) => Math.max(max, Math.abs(g)), 0)
  for (const { name, select, call } of compiled) {
    select()
    const lossError = Math.abs(call() - expected) / expected
    const gradError = out.grad.reduce((max, g, i) => Math.max(max, Math.abs(g - plainGrad[i])), 0) / largest
    if (!(lossError <= 1e-6 && gradError <= 1e-6))
      throw new Error(`${name} and the plain loop disagree: loss by ${lossError}, gradient by ${gradError}`)
  }

  const runs = takeTurns([...compiled, plain], { rounds: ROUNDS, items: boxes, perTiming: BOXES_PER_TIMING })
  const timesOf = (/** @type {string} */ name) => runs.find((run) => run.name === name)?.times ?? []
  return runs.map(({ name, times }) => ({
    boxes,
    name,
    ns: quartiles(times),
    timesWidest: ratio(times, timesOf(widest)),
    plainTimes: ratio(timesOf('plain JS'), times),
  }))
}

function table() {
  const lines = [
    machineLine,
    `sca, loss and gradient, float32, mean, out reused; median and quartiles of ${ROUNDS} interleaved rounds`,
  ]
  const row = (/** @type {string[]} */ [name, ...cells]) =>
    lines.push(name.padEnd(16) + cells.map((cell) => cell.padStart(18)).join(''))
  for (const boxes of SIZES) {
    lines.push('')
    row([`${boxes} boxes`, 'ns a box', 'quartiles', `of ${widest}`, 'plain JS takes'])
    for (const { name, ns, timesWidest, plainTimes } of results.filter((result) => result.boxes === boxes)) {
      const quartiles = `${ns.q1.toFixed(2)} to ${ns.q3.toFixed(2)}`
      row([name, ns.median.toFixed(2), quartiles, `${timesWidest.toFixed(2)} x`, `${plainTimes.toFixed(1)} x`])
    }
  }
  return lines.join('\n')
}

const results = SIZES.flatMap(bench)
restore()
report('cpu', flags, { rounds: ROUNDS, results }, table())
