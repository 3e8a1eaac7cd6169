import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DetectionTable } from '../../src/coco/detection-table.js'
import { groupByClass } from '../../src/coco/groups.js'
import { readItems } from '../../src/coco/items.js'
import { files } from '../support/cli.js'
import { ROOT } from '../support/project.js'

// Long files of detections are read piece by piece, with the same result as at once, and with little memory.

let folder: string
let file: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scaloss-items-'))
  file = join(folder, 'items.json')
})
afterAll(() => rmSync(folder, { recursive: true }))

const notAnArray = (value: unknown): never => {
  throw new Error(`not an array: ${JSON.stringify(value)}`)
}

/** The items of a text read so many bytes at a time, or the message of the error. */
function read(text: string | Buffer, chunk: number): unknown {
  writeFileSync(file, text)
  try {
    return [...readItems(file, notAnArray, chunk)].flat()
  } catch (error) {
    return (error as Error).message.replace(file, 'items.json')
  }
}

describe('whatever the pieces', () => {
  const text = ' [ {"a":[1,{"b":"],}\\"\\\\"}], "é":"\\u00e9,𝄞["} ,\n[[],{}], -1.5e3,"\\\\",null, true , "" ]\r\n\t'

  test('the items are those of JSON.parse', () => {
    for (let chunk = 1; chunk <= Buffer.byteLength(text) + 1; chunk++)
      expect(read(text, chunk)).toEqual(JSON.parse(text))
    for (const chunk of [1, 2, 3, 1000]) {
      expect(read('[]', chunk)).toEqual([])
      expect(read(' [\n] ', chunk)).toEqual([])
      expect(read('[[]]', chunk)).toEqual([[]])
    }
  })

  test('a byte order mark is none of the text', () => {
    for (const chunk of [1, 2, 1000]) {
      expect(read(`\ufeff${text}`, chunk)).toEqual(JSON.parse(text))
      expect(read('\ufeff[1,]', chunk)).toBe('items.json:1:4: not valid JSON: expected a value, got "]"')
    }
  })

  test('says what it found, in short', () => {
    expect(read('[1}', 10)).toBe('items.json:1:3: not valid JSON: expected "," or "]", got "}"')
    expect(read(`[1 ${'x'.repeat(1000)}]`, 5000)).toMatch(/got "x{30}"$/)
  })

  test.runIf(process.platform === 'linux')('closes the file, also where reading is left early', () => {
    writeFileSync(file, '[1,2]')
    const open = () => readdirSync('/proc/self/fd').length
    const before = open()
    for (let i = 0; i < 20; i++) [...readItems(file, notAnArray)]
    for (const _ of readItems(file, notAnArray, 1)) break
    expect(open()).toBe(before)
  })

  test('a text that is cut off anywhere, or has a character too many, is the error of JSON.parse', () => {
    const parses = (broken: string) => {
      try {
        JSON.parse(broken)
        return true
      } catch {
        return false
      }
    }
    const extra = [',', ']', '}', '"', '\\', '1']
    const places = [...text].map((_, i) => i)
    const broken = [
      ...places.map((i) => text.slice(0, i)),
      ...places.flatMap((i) => extra.map((character) => text.slice(0, i) + character + text.slice(i))),
    ].filter((candidate) => !parses(candidate))
    expect(broken.length).toBeGreaterThan(400)
    for (const candidate of broken) {
      for (const chunk of [1, 7]) expect(read(candidate, chunk), candidate).toMatch(/^items\.json:\d+:\d+: not valid/)
    }
  })

  test.each(['{"a": [1]}', '"[]"', '7', 'null', '{}'])('%s is not an array', (value) => {
    for (const chunk of [1, 3, 1000])
      expect(read(value, chunk)).toBe(`not an array: ${JSON.stringify(JSON.parse(value))}`)
  })

  test('the file is closed when the reader stops early', () => {
    writeFileSync(file, '[1,2,3]')
    const items = readItems(file, notAnArray, 3)
    expect(items.next().done).toBe(false)
    items.return()
    expect(items.next()).toEqual({ done: true, value: undefined })
  })
})

test('evaluate needs memory for the detections, not for the text of the file', () => {
  const detection = { image_id: 1, category_id: 1, bbox: [0, 0, 2, 2], score: 0.5, comment: 'x'.repeat(1 << 16) }
  const image = { images: [{ id: 1 }], categories: [{ id: 1, name: 'cup' }] }
  const truth = { id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 2, 2] }
  writeFileSync(join(folder, 'instances.json'), JSON.stringify({ ...image, annotations: [truth] }))
  // 128 MiB: as one string it would not fit.
  const detections = openSync(join(folder, 'detections.json'), 'w')
  for (let i = 0; i < 2048; i++) writeSync(detections, `${i === 0 ? '[' : ','}${JSON.stringify(detection)}`)
  writeSync(detections, ']')
  closeSync(detections)
  const program = join(ROOT, 'dist/cli/main.js')
  const argv = ['--max-old-space-size=48', program, 'evaluate', ...files(folder), '--json']
  const { status, stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  expect(status).toBe(0)
  expect(JSON.parse(stdout).total).toMatchObject({ detections: 2048, matched: 1, droppedDetections: 1948 })
})

test('evaluate keeps detections as columns, not as objects', () => {
  const truths = Array.from({ length: 100 }, (_, i) => ({ id: i, image_id: i, category_id: 1, bbox: [0, 0, 9, 9] }))
  const images = truths.map(({ id }) => ({ id }))
  const categories = [{ id: 1, name: 'cup' }]
  writeFileSync(join(folder, 'instances.json'), JSON.stringify({ images, categories, annotations: truths }))
  const detections = Array.from({ length: 200_000 }, (_, i) => ({
    image_id: i % 100,
    category_id: 1,
    bbox: [i / 7, i / 3, 4, 5.5],
    score: 1 / (1 + i),
  }))
  writeFileSync(join(folder, 'detections.json'), JSON.stringify(detections))
  const program = join(ROOT, 'dist/cli/main.js')
  // Typed arrays lie outside this heap, in which as many objects with an array of four each do not fit.
  const argv = ['--max-old-space-size=24', program, 'evaluate', ...files(folder), '--json']
  const { status, stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  expect(status).toBe(0)
  expect(JSON.parse(stdout).total).toMatchObject({ detections: 200_000, droppedDetections: 190_000 })
})

test('groups are by class, then image, each in the order given', () => {
  const at = (categoryId: number, imageId: number, score: number) => ({ categoryId, imageId, score })
  const truths = [at(2, 1, 0), at(1, 7, 1), at(2, 1, 2)]
  const detections = [at(2, 1, 0), at(1, 3, 1), at(2, 1, 2), at(3, 1, 3), at(1, 7, 4)]
  const table = DetectionTable.from(detections.map((place) => ({ ...place, bbox: [0, 0, 1, 1] })))
  const classes = Array.from(groupByClass(truths, table), ({ groups, ...one }) => ({ ...one, groups: [...groups] }))
  expect(classes.map(({ categoryId, detections }) => [categoryId, detections])).toEqual([
    [1, 2],
    [2, 2],
    [3, 1],
  ])
  const groups = classes.flatMap(({ groups }) =>
    groups.map(({ categoryId, imageId, groundTruth, detections }) => [
      categoryId,
      imageId,
      groundTruth.map(({ score }) => score),
      detections.map(({ score }) => score),
    ]),
  )
  expect(groups).toEqual([
    [1, 3, [], [1]],
    [1, 7, [1], [4]],
    [2, 1, [0, 2], [0, 2]],
    [3, 1, [], [3]],
  ])
  expect([...groupByClass([], DetectionTable.from([]))]).toEqual([])
})
