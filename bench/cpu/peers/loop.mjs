// The plain loops that one would write without a library: loss and gradient by the formulas, for typed arrays.

/** @typedef {(pred: Float32Array, target: Float32Array, grad: Float32Array) => number} Loop */

/** `sca`. @type {Loop} */
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

/** `giou`. @type {Loop} */
function giouLoop(pred, target, grad) {
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
    const w = x2 - x1
    const h = y2 - y1
    const wmin = Math.max(0, Math.min(x2, X2) - Math.max(x1, X1))
    const hmin = Math.max(0, Math.min(y2, Y2) - Math.max(y1, Y1))
    const wmax = Math.max(x2, X2) - Math.min(x1, X1)
    const hmax = Math.max(y2, Y2) - Math.min(y1, Y1)
    const I = wmin * hmin
    const U = w * h + (X2 - X1) * (Y2 - Y1) - I
    const C = wmax * hmax
    sum += 2 - I / U - U / C

    // How much of each prediction edge is the outer one.
    const left = x1 < X1 ? 1 : x1 > X1 ? 0 : 0.5
    const top = y1 < Y1 ? 1 : y1 > Y1 ? 0 : 0.5
    const right = x2 > X2 ? 1 : x2 < X2 ? 0 : 0.5
    const bottom = y2 > Y2 ? 1 : y2 < Y2 ? 0 : 0.5
    // The slopes by the intersection, the area of the prediction and the enclosing area.
    const byI = I > 0 ? 1 / C - 1 / U - I / (U * U) : 0
    const byA = I / (U * U) - 1 / C
    const byC = U / (C * C)
    grad[i] = (-(1 - left) * hmin * byI - h * byA - left * hmax * byC) / boxes
    grad[i + 1] = (-(1 - top) * wmin * byI - w * byA - top * wmax * byC) / boxes
    grad[i + 2] = ((1 - right) * hmin * byI + h * byA + right * hmax * byC) / boxes
    grad[i + 3] = ((1 - bottom) * wmin * byI + w * byA + bottom * wmax * byC) / boxes
  }
  return sum / boxes
}

/** `ciou`. @type {Loop} */
function ciouLoop(pred, target, grad) {
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
    const w = x2 - x1
    const h = y2 - y1
    const wmin = Math.max(0, Math.min(x2, X2) - Math.max(x1, X1))
    const hmin = Math.max(0, Math.min(y2, Y2) - Math.max(y1, Y1))
    const wmax = Math.max(x2, X2) - Math.min(x1, X1)
    const hmax = Math.max(y2, Y2) - Math.min(y1, Y1)
    const I = wmin * hmin
    const U = w * h + (X2 - X1) * (Y2 - Y1) - I
    const cc = wmax * wmax + hmax * hmax
    const dx = (x1 + x2 - X1 - X2) / 2
    const dy = (y1 + y2 - Y1 - Y2) / 2
    const rho = (dx * dx + dy * dy) / cc
    const angle = Math.atan((X2 - X1) / (Y2 - Y1)) - Math.atan(w / h)
    const v = (4 / Math.PI ** 2) * angle * angle
    const alpha = v > 0 ? v / (1 - I / U + v) : 0
    sum += 1 - I / U + rho + alpha * v

    // How much of each prediction edge is the outer one.
    const left = x1 < X1 ? 1 : x1 > X1 ? 0 : 0.5
    const top = y1 < Y1 ? 1 : y1 > Y1 ? 0 : 0.5
    const right = x2 > X2 ? 1 : x2 < X2 ? 0 : 0.5
    const bottom = y2 > Y2 ? 1 : y2 < Y2 ? 0 : 0.5
    // The slopes by the intersection, the area of the prediction, half the enclosing diagonal squared, and the sides.
    const byI = I > 0 ? -1 / U - I / (U * U) : 0
    const byA = I / (U * U)
    const byC = (-2 * rho) / cc
    const byAngle = ((8 / Math.PI ** 2) * alpha * angle) / (w * w + h * h)
    const byW = -byAngle * h
    const byH = byAngle * w
    grad[i] = (-(1 - left) * hmin * byI - h * byA - left * wmax * byC + dx / cc - byW) / boxes
    grad[i + 1] = (-(1 - top) * wmin * byI - w * byA - top * hmax * byC + dy / cc - byH) / boxes
    grad[i + 2] = ((1 - right) * hmin * byI + h * byA + right * wmax * byC + dx / cc + byW) / boxes
    grad[i + 3] = ((1 - bottom) * wmin * byI + w * byA + bottom * hmax * byC + dy / cc + byH) / boxes
  }
  return sum / boxes
}

export const LOOPS = { sca: plainLoop, giou: giouLoop, ciou: ciouLoop }
