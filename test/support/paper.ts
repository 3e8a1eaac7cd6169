/** L_SO and L_IoU of two boxes x1,y1,x2,y2, as the SCALoss paper writes them, in float64. */
export function referencePair([x1, y1, x2, y2]: number[], [X1, Y1, X2, Y2]: number[]) {
  const [wmin, wmax] = [Math.min(x2!, X2!) - Math.max(x1!, X1!), Math.max(x2!, X2!) - Math.min(x1!, X1!)]
  const [hmin, hmax] = [Math.min(y2!, Y2!) - Math.max(y1!, Y1!), Math.max(y2!, Y2!) - Math.min(y1!, Y1!)]
  const intersection = Math.max(wmin, 0) * Math.max(hmin, 0)
  const union = (x2! - x1!) * (y2! - y1!) + (X2! - X1!) * (Y2! - Y1!) - intersection
  return { SO: 2 - (wmin / wmax + hmin / hmax), IoU: 1 - intersection / union }
}
