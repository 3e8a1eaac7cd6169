import { ScaLossError, show } from '../core/errors.js'
import { checkGroundTruthFile, checkPath } from './check.js'
import { readItems } from './items.js'
import { readJson } from './json.js'
import type { Category, CocoBox, Detection, GroundTruth } from './types.js'

/** A value of the file together with its place, for messages such as `detections.json: [17].bbox: expected …`. */
class Located {
  constructor(
    private readonly file: string,
    private readonly place: string,
    private readonly value: unknown,
  ) {}

  fail(expected: string): never {
    const at = this.place === '' ? this.file : `${this.file}: ${this.place}`
    throw new ScaLossError('ERR_SCALOSS_INVALID_FILE', `${at}: expected ${expected}, ${received(this.value)}`)
  }

  field(name: string): Located {
    if (!isObject(this.value)) this.fail('an object')
    return new Located(this.file, this.place === '' ? name : `${this.place}.${name}`, this.value[name])
  }

  items(): Located[] {
    if (!Array.isArray(this.value)) this.fail('an array')
    return this.value.map((item, index) => new Located(this.file, `${this.place}[${index}]`, item))
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.fail('a string')
  }

  number(): number {
    return Number.isFinite(this.value) ? (this.value as number) : this.fail('a finite number')
  }

  id(): number {
    return Number.isSafeInteger(this.value) ? (this.value as number) : this.fail('an integer')
  }

  /** Reads an id that must be in `known`. */
  reference(known: { has(id: number): boolean }, what: string): number {
    const id = this.id()
    return known.has(id) ? id : this.fail(`the id of ${what}`)
  }

  /** Reads an id that must not be in `seen`, and adds it. */
  uniqueId(seen: Set<number>): number {
    const id = this.id()
    if (seen.has(id)) this.fail('an id that is used once')
    seen.add(id)
    return id
  }

  /** Reads a flag. A missing flag is false, as in pycocotools. */
  flag(): boolean {
    const { value } = this
    if (value === undefined || value === 0 || value === false) return false
    return value === 1 || value === true || this.fail('0 or 1')
  }

  box(): CocoBox {
    const { value } = this
    if (!Array.isArray(value) || value.length !== 4 || !value.every(Number.isFinite))
      this.fail('four finite numbers [x, y, width, height]')
    if (value[2] < 0 || value[3] < 0) this.fail('a width and a height of at least 0 in [x, y, width, height]')
    return [value[0], value[1], value[2], value[3]]
  }

  /** Reads an area. A missing area is that of the box. */
  area([, , width, height]: CocoBox): number {
    const { value } = this
    if (value === undefined) return width * height
    return Number.isFinite(value) && (value as number) >= 0
      ? (value as number)
      : this.fail('a finite number of at least 0')
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function received(value: unknown): string {
  if (value === undefined) return 'but it is missing'
  if (!Array.isArray(value)) return `got ${brief(value)}`
  const more = value.length > 6 ? `, … (${value.length} items)` : ''
  return `got [${value.slice(0, 6).map(brief).join(', ')}${more}]`
}

function brief(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'number' ? String(value) : show(value)
}

/**
 * Reads COCO ground truth, `{ images, annotations, categories }`. The `bbox` of an annotation is [x, y, width, height]
 * in pixels. Of the fields of an annotation, only `area` and `iscrowd` may be missing.
 *
 * @param path the path of the file.
 * @returns the images, categories and annotations of the file.
 * @throws {ScaLossError} `ERR_SCALOSS_INVALID_FILE`: the file is missing or not JSON, a field is missing or has the
 *   wrong type, a box is not four finite numbers or has a negative size, an id is repeated, or an id refers to nothing.
 *   The message names the file and the place in it. `ERR_SCALOSS_INVALID_ARGUMENT`: `path` is not a path.
 */
export function readGroundTruth(path: string): GroundTruth {
  checkPath(path)
  const root = new Located(path, '', readJson(path))

  const imageIds = new Set<number>()
  for (const image of root.field('images').items()) image.field('id').uniqueId(imageIds)

  const categoryIds = new Set<number>()
  const categories = new Map<number, Category>()
  for (const category of root.field('categories').items()) {
    const id = category.field('id').uniqueId(categoryIds)
    categories.set(id, { id, name: category.field('name').string() })
  }

  const annotationIds = new Set<number>()
  const annotations = root
    .field('annotations')
    .items()
    .map((annotation) => {
      const bbox = annotation.field('bbox').box()
      return {
        id: annotation.field('id').uniqueId(annotationIds),
        imageId: annotation.field('image_id').reference(imageIds, 'one of the images'),
        categoryId: annotation.field('category_id').reference(categories, 'one of the categories'),
        bbox,
        area: annotation.field('area').area(bbox),
        crowd: annotation.field('iscrowd').flag(),
      }
    })
  return { path, imageIds, categories, annotations }
}

/**
 * Reads COCO results, `[{ image_id, category_id, bbox, score }]`. The file is read piece by piece.
 *
 * @param path the path of the file.
 * @param groundTruth the result of `readGroundTruth`. Every `image_id` and `category_id` must be one of its ids.
 * @returns the detections in the order of the file, which decides between equal scores.
 * @throws {ScaLossError} as `readGroundTruth` does.
 */
export function readDetections(path: string, groundTruth: GroundTruth): Detection[] {
  checkPath(path)
  checkGroundTruthFile(groundTruth)
  return [...eachDetection(path, groundTruth)]
}

/** Yields the detections of `readDetections` one at a time. */
export function* eachDetection(path: string, groundTruth: GroundTruth): Generator<Detection, void, void> {
  const image = `an image of ${groundTruth.path}`
  const category = `a category of ${groundTruth.path}`
  let count = 0
  for (const items of readItems(path, (value) => new Located(path, '', value).fail('an array'))) {
    for (const item of items) {
      const detection = new Located(path, `[${count++}]`, item)
      yield {
        imageId: detection.field('image_id').reference(groundTruth.imageIds, image),
        categoryId: detection.field('category_id').reference(groundTruth.categories, category),
        bbox: detection.field('bbox').box(),
        score: detection.field('score').number(),
      }
    }
  }
}
