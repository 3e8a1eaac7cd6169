import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { files, scaloss } from '../support/cli.js'

describe('warnings of evaluate', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'scaloss-warnings-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** Evaluates 20 objects found at their places, with the boxes written by `as`. */
  function warned(as: (box: number[]) => number[], objects = 20, place = (i: number) => [10 * i, 300, 50, 40]) {
    const boxes = Array.from({ length: objects }, (_, i) => place(i))
    const annotations = boxes.map((bbox, id) => ({ id, image_id: 1, category_id: 1, bbox }))
    const detections = boxes.map((box) => ({ image_id: 1, category_id: 1, bbox: as(box), score: 0.5 }))
    const categories = [{ id: 1, name: 'cup' }]
    writeFileSync(join(folder, 'instances.json'), JSON.stringify({ images: [{ id: 1 }], categories, annotations }))
    writeFileSync(join(folder, 'detections.json'), JSON.stringify(detections))
    const { code, stdout, stderr } = scaloss('evaluate', ...files(folder), '--json')
    expect(code).toBe(0)
    const { warnings } = JSON.parse(stdout)
    const lines = warnings.map((text: string) => `scaloss: warning: ${join(folder, 'detections.json')}: ${text}\n`)
    expect(stderr).toBe(lines.join(''))
    return warnings.join()
  }
  const corners = ([x, y, w, h]: number[]) => [x!, y!, x! + w!, y! + h!]

  test('none for boxes as they should be, none from a few boxes', () => {
    expect(warned((box) => box)).toBe('')
    expect(warned(corners, 19)).toBe('')
    // Wide ones alone; all as corners would be, but so is the ground truth.
    expect(warned(([x, y, , height]) => [x!, y!, 400, height!])).toBe('')
    expect(
      warned(
        (box) => box,
        20,
        (i) => [i, 2, 50, 40],
      ),
    ).toBe('')
  })

  test('corners where COCO has a width and a height', () => {
    expect(warned(corners)).toMatch(/every detection has width >= x .* corners x1,y1,x2,y2\?$/)
  })

  test('normalised coordinates', () => {
    expect(warned((box) => box.map((value) => value / 640))).toBe(
      'no detection ends beyond 0.53125, the ground truth does at 340: normalised coordinates?',
    )
    expect(warned((box) => corners(box.map((value) => value / 330)))).toMatch(/^no detection ends beyond 1\.\d+, /)
  })
})
