import { BACKGROUND, CELLS, GRID, STRIDE } from './detector.mjs'

// Assigns the digits to the cells that are to find them.

/** A cell is for a digit if its centre lies in this middle part of the box's width and height. */
const MIDDLE = 0.5

/**
 * @typedef {object} Assignment For all cells of all images, row by row.
 * @property {Float32Array} boxes [cells, 4], x1,y1,x2,y2 in cells; zeros for the background.
 * @property {Int32Array} classes [cells]
 * @property {Uint8Array} positive [cells], 1 where there is a digit to find.
 * @property {number} positives How many these are.
 */

/**
 * As in FCOS: the cells in the middle of a digit's box, and always the one that holds the centre. Of several digits a
 * cell takes the one whose centre is nearest.
 * @param {readonly (readonly import('./data.mjs').Labelled[])[]} images
 * @returns {Assignment}
 */
export function assign(images) {
  const cells = images.length * CELLS
  const boxes = new Float32Array(4 * cells)
  const classes = new Int32Array(cells).fill(BACKGROUND)
  const positive = new Uint8Array(cells)
  images.forEach((objects, image) => {
    const scaled = objects.map(({ box, digit }) => ({ box: box.map((pixels) => pixels / STRIDE), digit }))
    for (let cell = 0; cell < CELLS; cell++) {
      const [column, row] = [cell % GRID, Math.floor(cell / GRID)]
      let nearest = Number.POSITIVE_INFINITY
      for (const { box, digit } of scaled) {
        const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
        const [dx, dy] = [Math.abs(column + 0.5 - x), Math.abs(row + 0.5 - y)]
        const holdsCentre = Math.floor(x) === column && Math.floor(y) === row
        const inMiddle = dx <= (MIDDLE / 2) * (box[2] - box[0]) && dy <= (MIDDLE / 2) * (box[3] - box[1])
        const distance = Math.hypot(dx, dy)
        if (!(holdsCentre || inMiddle) || distance >= nearest) continue
        nearest = distance
        const at = image * CELLS + cell
        boxes.set(box, 4 * at)
        classes[at] = digit
        positive[at] = 1
      }
    }
  })
  return { boxes, classes, positive, positives: positive.reduce((sum, one) => sum + one, 0) }
}
