import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDetections, readGroundTruth } from '../../src/coco/read.js'
import { ScaLossError } from '../../src/core/errors.js'

describe('reading', () => {
  let folder: string
  let instances: string
  let results: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'scaloss-coco-'))
    instances = join(folder, 'instances.json')
    results = join(folder, 'detections.json')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const image = { id: 5 }
  const category = { id: 2, name: 'cup' }
  const annotation = { id: 9, image_id: 5, category_id: 2, bbox: [1, 2, 3, 4], iscrowd: 0 }
  const detection = { image_id: 5, category_id: 2, bbox: [1, 2, 3, 4], score: 0.5 }
  const valid = { images: [image], categories: [category], annotations: [annotation] }

  /** The message of the error from reading `content`, less the folder. */
  function complaint(read: () => unknown): string {
    try {
      read()
    } catch (error) {
      expect(error).toBeInstanceOf(ScaLossError)
      expect((error as ScaLossError).code).toBe('ERR_SCALOSS_INVALID_FILE')
      return (error as Error).message.replaceAll(join(folder, '/'), '')
    }
    throw new Error('nothing was thrown')
  }
  const text = (content: unknown) => (typeof content === 'string' ? content : JSON.stringify(content))
  function instancesComplaint(content: unknown): string {
    writeFileSync(instances, text(content))
    return complaint(() => readGroundTruth(instances))
  }
  function detectionsComplaint(content: unknown): string {
    writeFileSync(instances, text(valid))
    writeFileSync(results, text(content))
    const groundTruth = readGroundTruth(instances)
    return complaint(() => readDetections(results, groundTruth))
  }

  test('gives typed values', () => {
    writeFileSync(
      instances,
      text({
        ...valid,
        annotations: [
          annotation,
          { ...annotation, id: 10, iscrowd: 1, area: 7.5 },
          { ...annotation, id: 0, iscrowd: undefined },
          { ...annotation, id: 1, iscrowd: true, area: 0 },
          { ...annotation, id: 2, iscrowd: false },
        ],
      }),
    )
    writeFileSync(results, text([detection, { ...detection, score: -1e300, extra: 1 }]))
    const groundTruth = readGroundTruth(instances)
    expect([...groundTruth.imageIds]).toStrictEqual([5])
    expect([...groundTruth.categories.values()]).toStrictEqual([category])
    const typed = { imageId: 5, categoryId: 2, bbox: [1, 2, 3, 4] }
    expect(groundTruth.annotations).toStrictEqual([
      { id: 9, ...typed, area: 12, crowd: false },
      { id: 10, ...typed, area: 7.5, crowd: true },
      { id: 0, ...typed, area: 12, crowd: false },
      { id: 1, ...typed, area: 0, crowd: true },
      { id: 2, ...typed, area: 12, crowd: false },
    ])
    expect(readDetections(results, groundTruth)).toStrictEqual([
      { ...typed, score: 0.5 },
      { ...typed, score: -1e300 },
    ])
  })

  test.each<[string, () => unknown]>([
    ['path: expected the path of a file, got undefined', () => readGroundTruth(undefined as never)],
    ['path: expected the path of a file, got 5', () => readGroundTruth(5 as never)],
    ['path: expected the path of a file, got ""', () => readDetections('', {} as never)],
    [
      'groundTruth: expected the result of readGroundTruth, got undefined',
      () => readDetections('dt.json', undefined as never),
    ],
    [
      'groundTruth: expected the result of readGroundTruth, got an object (Object)',
      () => readDetections('dt.json', valid as never),
    ],
  ])('arguments: %s', (message, read) => {
    expect(read).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_INVALID_ARGUMENT', message }))
  })

  test('a byte order mark is none of the text', () => {
    writeFileSync(instances, `\ufeff${text(valid)}`)
    expect(readGroundTruth(instances).annotations).toHaveLength(1)
  })

  test('a file that is missing, or is a folder', () => {
    expect(complaint(() => readGroundTruth(join(folder, 'absent.json')))).toBe(
      'absent.json: cannot read the file: no such file',
    )
    expect(complaint(() => readGroundTruth(join(folder, '.')))).toMatch(/cannot read the file: EISDIR/)
  })

  test.each([
    ['[\n  {"score": NaN}\n]', '2:13', 'expected a value, got "NaN"'],
    ['[{"a": 1,}]', '1:10', 'expected a name in double quotes, got "}"'],
    ['[1,\n\n]', '3:1', 'expected a value, got "]"'],
    ['[1 2]', '1:4', 'expected "," or "]", got "2"'],
    ['{"a" 1}', '1:6', 'expected ":", got "1"'],
    ['{"a": "é\\n\\u00e9\u007f" "b"}', '1:20', 'expected "," or "}", got "\\""'],
    ['[{"a": [1, {}, []]}', '1:20', 'expected "," or "]", got the end of the file'],
    ['["abc\n"]', '1:2', 'expected a value, got "\\""'],
    ['["\\x"]', '1:2', 'expected a value, got "\\""'],
    ['[01]', '1:3', 'expected "," or "]", got "1"'],
    ['[] []', '1:4', 'expected the end of the file, got "["'],
    ['', '1:1', 'expected a value, got the end of the file'],
    ['\n{1: 2}', '2:2', 'expected a name in double quotes, got "1"'],
    [`${'['.repeat(200_000)}}`, '1:200001', 'expected a value, got "}"'],
  ])('broken JSON %#: line, column and reason', (content, place, reason) => {
    expect(() => JSON.parse(content)).toThrow(SyntaxError)
    expect(detectionsComplaint(content)).toBe(`detections.json:${place}: not valid JSON: ${reason}`)
  })

  test.each([
    [[], 'instances.json: expected an object, got []'],
    [{ ...valid, images: undefined }, 'instances.json: images: expected an array, but it is missing'],
    [{ ...valid, categories: {} }, 'instances.json: categories: expected an array, got an object (Object)'],
    [{ ...valid, annotations: 'x' }, 'instances.json: annotations: expected an array, got "x"'],
    [{ ...valid, images: [image, 7] }, 'instances.json: images[1]: expected an object, got 7'],
    [{ ...valid, images: [{}] }, 'instances.json: images[0].id: expected an integer, but it is missing'],
    [{ ...valid, images: [{ id: '5' }] }, 'instances.json: images[0].id: expected an integer, got "5"'],
    [{ ...valid, images: [image, image] }, 'instances.json: images[1].id: expected an id that is used once, got 5'],
    [{ ...valid, categories: [{ id: 2 }] }, 'instances.json: categories[0].name: expected a string, but it is missing'],
    [
      { ...valid, categories: [category, category] },
      'instances.json: categories[1].id: expected an id that is used once, got 2',
    ],
    [
      { ...valid, annotations: [annotation, annotation] },
      'instances.json: annotations[1].id: expected an id that is used once, got 9',
    ],
    [
      { ...valid, annotations: [{ ...annotation, image_id: 6 }] },
      'instances.json: annotations[0].image_id: expected the id of one of the images, got 6',
    ],
    [
      { ...valid, annotations: [{ ...annotation, category_id: 1.5 }] },
      'instances.json: annotations[0].category_id: expected an integer, got 1.5',
    ],
    [
      { ...valid, annotations: [{ ...annotation, category_id: 3 }] },
      'instances.json: annotations[0].category_id: expected the id of one of the categories, got 3',
    ],
    [
      { ...valid, annotations: [{ ...annotation, iscrowd: 2 }] },
      'instances.json: annotations[0].iscrowd: expected 0 or 1, got 2',
    ],
    [
      { ...valid, annotations: [{ ...annotation, area: -1 }] },
      'instances.json: annotations[0].area: expected a finite number of at least 0, got -1',
    ],
    [
      { ...valid, annotations: [{ ...annotation, area: null }] },
      'instances.json: annotations[0].area: expected a finite number of at least 0, got null',
    ],
    [
      { ...valid, annotations: [{ ...annotation, bbox: [1, 2, 3] }] },
      'instances.json: annotations[0].bbox: expected four finite numbers [x, y, width, height], got [1, 2, 3]',
    ],
  ])('ground truth %#: $1', (content, message) => {
    expect(instancesComplaint(content)).toBe(message)
  })

  const box = 'expected four finite numbers [x, y, width, height]'
  const size = 'expected a width and a height of at least 0 in [x, y, width, height]'
  test.each([
    [{ annotations: [] }, 'detections.json: expected an array, got an object (Object)'],
    [[detection, null], 'detections.json: [1]: expected an object, got null'],
    [
      [{ ...detection, image_id: 99 }],
      'detections.json: [0].image_id: expected the id of an image of instances.json, got 99',
    ],
    [
      [{ ...detection, category_id: 99 }],
      'detections.json: [0].category_id: expected the id of a category of instances.json, got 99',
    ],
    [[detection, { ...detection, bbox: undefined }], `detections.json: [1].bbox: ${box}, but it is missing`],
    [[{ ...detection, bbox: [1, '2', 3, null] }], `detections.json: [0].bbox: ${box}, got [1, "2", 3, null]`],
    [
      [{ ...detection, bbox: [1, 2, 3, 4, 5, 6, 7] }],
      `detections.json: [0].bbox: ${box}, got [1, 2, 3, 4, 5, 6, … (7 items)]`,
    ],
    [
      JSON.stringify([detection]).replace('[1,', '[1e999,'),
      `detections.json: [0].bbox: ${box}, got [Infinity, 2, 3, 4]`,
    ],
    [[{ ...detection, bbox: [1, 2, -3, 4] }], `detections.json: [0].bbox: ${size}, got [1, 2, -3, 4]`],
    [[{ ...detection, bbox: [1, 2, 3, -4] }], `detections.json: [0].bbox: ${size}, got [1, 2, 3, -4]`],
    [[{ ...detection, score: undefined }], 'detections.json: [0].score: expected a finite number, but it is missing'],
    [[{ ...detection, score: null }], 'detections.json: [0].score: expected a finite number, got null'],
    [[{ ...detection, score: '0.5' }], 'detections.json: [0].score: expected a finite number, got "0.5"'],
  ])('detections %#: $1', (content, message) => {
    expect(detectionsComplaint(content)).toBe(message)
  })
})
