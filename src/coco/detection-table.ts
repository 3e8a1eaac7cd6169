import type { Detection } from './types.js'

/** The number of numbers in a block, which takes 64 KiB. */
const BLOCK = 1 << 13

/** A list of numbers that grows by blocks, so that nothing is copied and little memory is unused. */
class Column {
  readonly #blocks: Float64Array[] = []
  #length = 0

  push(value: number): void {
    const offset = this.#length++ % BLOCK
    if (offset === 0) this.#blocks.push(new Float64Array(BLOCK))
    this.#blocks.at(-1)![offset] = value
  }

  at(index: number): number {
    return this.#blocks[Math.floor(index / BLOCK)][index % BLOCK]
  }
}

/** Stores detections by column. A million take some 60 MB. As objects with an array each they take over 200 MB. */
export class DetectionTable {
  #length = 0
  readonly #imageIds = new Column()
  readonly #categoryIds = new Column()
  readonly #boxes = new Column()
  readonly #scores = new Column()

  static from(detections: Iterable<Detection>): DetectionTable {
    const table = new DetectionTable()
    for (const detection of detections) table.#push(detection)
    return table
  }

  #push({ imageId, categoryId, bbox, score }: Detection): void {
    this.#imageIds.push(imageId)
    this.#categoryIds.push(categoryId)
    for (const value of bbox) this.#boxes.push(value)
    this.#scores.push(score)
    this.#length++
  }

  get length(): number {
    return this.#length
  }

  imageId(row: number): number {
    return this.#imageIds.at(row)
  }

  categoryId(row: number): number {
    return this.#categoryIds.at(row)
  }

  detection(row: number): Detection {
    const side = (k: number) => this.#boxes.at(4 * row + k)
    return {
      imageId: this.imageId(row),
      categoryId: this.categoryId(row),
      bbox: [side(0), side(1), side(2), side(3)],
      score: this.#scores.at(row),
    }
  }

  /** Returns the rows by ascending category id, then image id; rows with the same ids keep their order. */
  rowsByClassAndImage(): Uint32Array {
    return Uint32Array.from({ length: this.#length }, (_, row) => row).sort(
      (a, b) => this.categoryId(a) - this.categoryId(b) || this.imageId(a) - this.imageId(b) || a - b,
    )
  }
}
