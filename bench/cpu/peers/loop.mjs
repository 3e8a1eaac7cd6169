// The plain loop that one would write without a library.

/**
 * The paper's formulas as one writes them for typed arrays.
 * @param {Float32Array} pred
 * @param {Float32Array} target
 * @param {Float32Array} grad
 */
export function plainLoop(pred, target, grad) {
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
    // Outer edge: the enclosing side grows, both in the side ratio and in the diagonal. Inner edge: the shared side
    // shrinks.
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
