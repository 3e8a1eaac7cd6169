import { checkBoolean, checkFinite, checkItems } from '../arguments/checks.js'
import { argumentError, invalidArgument } from '../core/errors.js'
import type { AveragePrecisionOptions, Detection, GroundTruth, GroundTruthBox } from './types.js'

// Checks the arguments of `averagePrecision` and of the functions that read files. The contents of files are checked
// while they are read (read.ts), with other messages.

/** Calls `check` with each object of an array and its name in messages, such as `detections[17]`. */
function checkEach(argument: string, value: unknown, check: (item: Record<string, unknown>, name: string) => void) {
  if (!Array.isArray(value)) throw invalidArgument(argument, 'an array of objects', value)
  for (const [index, item] of value.entries()) {
    const name = `${argument}[${index}]`
    if (typeof item !== 'object' || item === null) throw invalidArgument(name, 'an object', item)
    check(item, name)
  }
}

function checkId(argument: string, value: unknown): void {
  if (!Number.isSafeInteger(value)) throw invalidArgument(argument, 'an integer', value)
}

function checkPlace(item: Record<string, unknown>, name: string): void {
  const { imageId, categoryId, bbox } = item
  checkId(`${name}.imageId`, imageId)
  checkId(`${name}.categoryId`, categoryId)
  const argument = `${name}.bbox`
  const expected = 'four finite numbers [x, y, width, height]'
  checkItems(argument, expected, bbox, Number.isFinite)
  const numbers = bbox as number[]
  if (numbers.length !== 4) throw invalidArgument(argument, expected, numbers)
  if (numbers[2]! < 0 || numbers[3]! < 0)
    throw argumentError(argument, 'a width and a height of at least 0', `[${numbers.join(', ')}]`)
}

export function checkGroundTruth(value: unknown): asserts value is readonly GroundTruthBox[] {
  checkEach('groundTruth', value, (item, name) => {
    checkPlace(item, name)
    const { area = 0, crowd = false } = item
    // An annotation copied from a COCO file has `iscrowd` instead of `crowd`.
    if (item.crowd === undefined && item.iscrowd !== undefined)
      throw argumentError(`${name}.crowd`, "true or false, what COCO's iscrowd says", 'iscrowd alone')
    if (!Number.isFinite(area) || (area as number) < 0)
      throw invalidArgument(`${name}.area`, 'a finite number of at least 0', area)
    checkBoolean(`${name}.crowd`, crowd)
  })
}

export function checkDetections(value: unknown): asserts value is readonly Detection[] {
  checkEach('detections', value, (item, name) => {
    checkPlace(item, name)
    checkFinite(`${name}.score`, item.score)
  })
}

export function checkIouThresholds(
  value: unknown,
): asserts value is NonNullable<AveragePrecisionOptions['iouThresholds']> {
  const isThreshold = (item: unknown) => typeof item === 'number' && item > 0 && item <= 1
  const expected = 'an array of numbers above 0 and up to 1, at least one'
  checkItems('iouThresholds', expected, value, isThreshold)
  if ((value as unknown[]).length === 0) throw invalidArgument('iouThresholds', expected, value)
}

export function checkPath(value: unknown): asserts value is string {
  if (typeof value !== 'string' || value === '') throw invalidArgument('path', 'the path of a file', value)
}

export function checkGroundTruthFile(value: unknown): asserts value is GroundTruth {
  const { path, imageIds, categories } = (value ?? {}) as Record<keyof GroundTruth, { has?: unknown } | undefined>
  if (typeof path !== 'string' || typeof imageIds?.has !== 'function' || typeof categories?.has !== 'function')
    throw invalidArgument('groundTruth', 'the result of readGroundTruth', value)
}
