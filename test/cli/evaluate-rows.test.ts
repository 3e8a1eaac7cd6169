import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { byIou } from '../../src/coco/summary.js'
import { files, SAMPLE, scaloss } from '../support/cli.js'

// The contents of the rows that evaluate writes.

test('a pair is in the range of IoU that matched it, at its ends too', () => {
  const pair = { categoryId: 1, matchIou: 1 - 1e-12, iou: 1, loss: 0, gradNorm: 0 }
  expect(byIou([pair], 1)).toEqual([{ from: 1, to: 1, matched: 1, meanIou: 1, meanLoss: 0, meanGradNorm: 0 }])
  const below = { ...pair, matchIou: 0.7, iou: 0.7 - 2 ** -53 }
  expect(byIou([below], 0.5).map(({ matched }) => matched)).toEqual([0, 0, 1, 0, 0])
})

test('--alpha 0 is 0, not the default', () => {
  const total = (...options: string[]) =>
    JSON.parse(scaloss('evaluate', ...files(SAMPLE), '--json', '--backend', 'js', ...options).stdout).total
  expect(total('--alpha', '0').meanLoss).toBeCloseTo(total('--loss', 'so').meanLoss, 12)
})

test('an average precision of 0 is shown as 0', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-rows-'))
  const annotations = [{ id: 0, image_id: 1, category_id: 1, bbox: [1, 2, 3, 4] }]
  const instances = { images: [{ id: 1 }], categories: [{ id: 1, name: 'cup' }], annotations }
  writeFileSync(join(folder, 'instances.json'), JSON.stringify(instances))
  writeFileSync(join(folder, 'detections.json'), '[]')
  const { stdout } = scaloss('evaluate', ...files(folder))
  rmSync(folder, { recursive: true })
  const cup = stdout.split('\n').find((line) => line.startsWith('cup'))
  expect(cup?.split(/ {2,}/).at(-1)).toBe('0.0000')
})
