import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DetectionTable } from '../../src/coco/detection-table.js'
import { matchDetections } from '../../src/coco/match.js'
import { eachDetection, readGroundTruth } from '../../src/coco/read.js'
import { files, SAMPLE, scaloss } from '../support/cli.js'
import { ROOT } from '../support/project.js'

const VOC = join(ROOT, '../shared/data/voc-sample')

function evaluateJson(folder: string, ...options: string[]) {
  const { code, stdout, stderr } = scaloss('evaluate', ...files(folder), '--json', ...options)
  expect({ code, stderr }).toStrictEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

/* The sample's three matched pairs, by hand (detection against ground truth, corners):
 *
 * cup, image 1: equal boxes. IoU 1, loss 0, gradient 0. The other cup there is its duplicate.
 *
 * plate, image 1: (200,50,260,130) against (200,50,260,122).
 *   IoU = 60·72 / 60·80 = 0.9; L_SO = 2 − (60/60 + 72/80) = 0.1; L_CD = (0 + 8) / √(60² + 80²) = 0.08;
 *   loss = 0.1 + 0.5·0.08 = 0.14.
 *   y2:     72/80² + 0.5 (1/100 − 8/100² · 0.8)    = 0.01125 + 0.00468    (0.8 = 80/100 = d diagonal / d y2)
 *   y1:     equal corners give half of max' and min': ½ (80 − 72)/80² + 0.5 · 8/100² · ½ · 0.8 = 0.000625 + 0.00016
 *   x1, x2: ±0.5 · 8/100² · ½ · 0.6 = ±0.00012
 *
 * plate, image 3: (8,0,48,36) against (0,0,40,36).
 *   IoU = 32·36 / 48·36 = 2/3; L_SO = 2 − (32/48 + 36/36) = 1/3; L_CD = (8 + 8) / √(48² + 36²) = 16/60 = 4/15;
 *   loss = 1/3 + 2/15 = 7/15.
 *   x1:     1/48 + 0.5/60
 *   x2:     32/48² + 0.5 (1/60 − 16/60² · 0.8)
 *   y1, y2: ±0.5 · 16/60² · ½ · 0.6 = ±0.5/750
 */

/* Its average precision, by hand:
 *
 * cup: right, wrong (the duplicate), and two left out in the crowd; one of two found: 1 at the 51 recalls up to 1/2, at
 *   every threshold. Large (10000): the found one alone, AP 1. Medium (5000): not found, and the found one is left out,
 *   AP 0.
 * plate: scores 0.95 (IoU 2/3), 0.7 (IoU 0.9), 0.6 (wrong).
 *   Up to 0.65 right, right, wrong: 1 at all recalls. Up to 0.9 wrong, right, wrong: 1/2 at 51 recalls. At 0.95
 *   nothing. Both objects are medium (4320, 1440).
 * fork: no ground truth. No object is small.
 */
const CUP = 51 / 101
const PLATE = (4 + (5 * 25.5) / 101) / 10
const PLATE_1 = Math.hypot(0.00012, 0.000785, 0.00012, 0.01593)
const PLATE_3 = Math.hypot(1 / 48 + 1 / 120, 0.5 / 750, 1 / 72 + 0.5 * (1 / 60 - (16 / 3600) * 0.8), 0.5 / 750)

describe('evaluate on the sample', () => {
  const counts = (row: Record<string, unknown>) => [
    row.groundTruth,
    row.crowds,
    row.detections,
    row.matched,
    row.unmatchedGroundTruth,
    row.unmatchedDetections,
    row.ignoredDetections,
    row.droppedDetections,
  ]

  test('counts ground truth, crowds, detections, matched, missed, spurious, ignored by class', () => {
    const { classes, total, images } = evaluateJson(SAMPLE)
    expect(images).toBe(3)
    expect(classes.map((row: { id: number; name: string }) => [row.id, row.name, ...counts({ ...row })])).toStrictEqual(
      [
        [1, 'cup', 2, 1, 4, 1, 1, 1, 2, 0],
        [2, 'plate', 2, 0, 3, 2, 0, 1, 0, 0],
        [3, 'fork', 0, 0, 1, 0, 0, 1, 0, 0],
      ],
    )
    expect(counts(total)).toStrictEqual([4, 1, 8, 3, 1, 3, 2, 0])
  })

  test('means of IoU, loss and gradient norm, by class and in total', () => {
    const { classes, total, loss, alpha } = evaluateJson(SAMPLE)
    const [cup, plate, fork] = classes
    expect([loss, alpha]).toStrictEqual(['sca', 0.5])
    expect([cup.meanIou, cup.meanLoss, cup.meanGradNorm]).toStrictEqual([1, 0, 0])
    expect(plate.meanIou).toBeCloseTo((0.9 + 2 / 3) / 2, 12)
    expect(plate.meanLoss).toBeCloseTo((0.14 + 7 / 15) / 2, 12)
    expect(plate.meanGradNorm).toBeCloseTo((PLATE_1 + PLATE_3) / 2, 12)
    expect([fork.meanIou, fork.meanLoss, fork.meanGradNorm]).toStrictEqual([null, null, null])
    expect(total.meanIou).toBeCloseTo((1 + 0.9 + 2 / 3) / 3, 12)
    expect(total.meanLoss).toBeCloseTo((0.14 + 7 / 15) / 3, 12)
    expect(total.meanGradNorm).toBeCloseTo((PLATE_1 + PLATE_3) / 3, 12)
  })

  test('IoU ranges start at the threshold in steps of 0.1, lower bound included', () => {
    const ranges = (...options: string[]) =>
      evaluateJson(SAMPLE, ...options).ious.map((row: { from: number; to: number; matched: number }) => [
        row.from,
        row.to,
        row.matched,
      ])
    expect(ranges()).toStrictEqual([
      [0.5, 0.6, 0],
      [0.6, 0.7, 1],
      [0.7, 0.8, 0],
      [0.8, 0.9, 0],
      [0.9, 1, 2], // 0.9 itself and 1
    ])
    expect(ranges('--iou-threshold', '0.65')).toStrictEqual([
      [0.65, 0.75, 1],
      [0.75, 0.85, 0],
      [0.85, 0.95, 1],
      [0.95, 1, 1],
    ])
    expect(ranges('--iou-threshold', '0.1').map(([from]: number[]) => from)).toStrictEqual([
      0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9,
    ])
    expect(ranges('--iou-threshold', '1')).toStrictEqual([[1, 1, 1]])
    const { ious } = evaluateJson(SAMPLE)
    expect(ious[1].meanLoss).toBeCloseTo(7 / 15, 12)
    expect(ious[1].meanGradNorm).toBeCloseTo(PLATE_3, 12)
    expect(ious[4].meanIou).toBeCloseTo(0.95, 12)
  })

  test('--loss, --alpha and --backend reach the loss', () => {
    expect(evaluateJson(SAMPLE, '--alpha=2').total.meanLoss).toBeCloseTo((0.1 + 0.16 + 1 / 3 + 8 / 15) / 3, 12)
    const so = evaluateJson(SAMPLE, '--loss', 'so', '--backend', 'js')
    expect(so.total.meanLoss).toBeCloseTo((0.1 + 1 / 3) / 3, 12)
    expect([so.alpha, so.backend]).toStrictEqual([null, 'js'])
    expect(evaluateJson(SAMPLE, '--loss', 'cd').total.meanLoss).toBeCloseTo((0.08 + 4 / 15) / 3, 12)
  })

  test('average precision and recall, overall, by class and by threshold', () => {
    const { averagePrecision, classes } = evaluateJson(SAMPLE)
    const { byIou, ...metrics } = averagePrecision
    const expected: Record<string, number> = {
      ap: (CUP + PLATE) / 2,
      ap50: (CUP + 1) / 2,
      ap75: (CUP + CUP / 2) / 2,
      apSmall: -1,
      apMedium: (0 + PLATE) / 2,
      apLarge: 1,
      // One detection an image: the right cup, and of the plates those with an object, each in an image of its own.
      ar1: (1 / 2 + (4 + 5 / 2) / 10) / 2,
      ar10: (1 / 2 + (4 + 5 / 2) / 10) / 2,
      ar100: (1 / 2 + (4 + 5 / 2) / 10) / 2,
      arSmall: -1,
      arMedium: (0 + (4 + 5 / 2) / 10) / 2,
      arLarge: 1,
    }
    expect(Object.keys(metrics)).toStrictEqual(Object.keys(expected))
    for (const [name, value] of Object.entries(expected)) expect(metrics[name], name).toBeCloseTo(value, 14)
    expect(classes.map(({ name }: { name: string }) => name)).toStrictEqual(['cup', 'plate', 'fork'])
    for (const [index, value] of [CUP, PLATE, -1].entries()) expect(classes[index].ap).toBeCloseTo(value, 14)
    expect(byIou.map(({ iouThreshold }: { iouThreshold: number }) => iouThreshold)).toStrictEqual([
      0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95,
    ])
    expect(byIou[9].ap).toBeCloseTo(CUP / 2, 14)
    expect(byIou[9].ar).toBeCloseTo(1 / 4, 14)
    // Its thresholds are its own.
    expect(evaluateJson(SAMPLE, '--iou-threshold', '0.95').averagePrecision).toStrictEqual(averagePrecision)
  })

  test('prints the same numbers as tables', () => {
    const { code, stdout } = scaloss('evaluate', ...files(SAMPLE), '--backend', 'js')
    expect(code).toBe(0)
    const norm = [(PLATE_1 + PLATE_3) / 2, (PLATE_1 + PLATE_3) / 3, PLATE_3, PLATE_1 / 2].map((v) => v.toFixed(4))
    const cells = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
    for (const row of [
      ['class', 'ground truth', 'detections', 'matched', 'mean IoU', 'mean loss', 'mean grad norm', 'AP'],
      ['cup', '2', '4', '1', '1.0000', '0.0000', '0.0000', '0.5050'],
      ['plate', '2', '3', '2', '0.7833', '0.3033', norm[0], '0.5262'],
      ['fork', '0', '1', '0', '-', '-', '-', '-'],
      ['all', '4', '8', '3', '0.8556', '0.2022', norm[1], '0.5156'],
      ['IoU', 'matched', 'mean IoU', 'mean loss', 'mean grad norm'],
      ['0.5 to 0.6', '0', '-', '-', '-'],
      ['0.6 to 0.7', '1', '0.6667', '0.4667', norm[2]],
      ['0.9 to 1', '2', '0.9500', '0.0700', norm[3]],
      ['all', '3', '0.8556', '0.2022', norm[1]],
      ['metric', 'IoU', 'area', 'max detections', 'value'],
      ['AP', '0.5 to 0.95', 'all', '100', '0.5156'],
      ['AP', '0.5', 'all', '100', '0.7525'],
      ['AP', '0.75', 'all', '100', '0.3787'],
      ['AP', '0.5 to 0.95', 'small', '100', '-'],
      ['AP', '0.5 to 0.95', 'medium', '100', '0.2631'],
      ['AP', '0.5 to 0.95', 'large', '100', '1.0000'],
      ['AR', '0.5 to 0.95', 'all', '1', '0.5750'],
      ['AR', '0.5 to 0.95', 'all', '10', '0.5750'],
      ['AR', '0.5 to 0.95', 'medium', '100', '0.3250'],
      ['IoU', '0.5', '0.55', '0.6', '0.65', '0.7', '0.75', '0.8', '0.85', '0.9', '0.95'],
      ['AP', ...Array(4).fill('0.7525'), ...Array(5).fill('0.3787'), '0.2525'],
      ['AR', ...Array(4).fill('0.7500'), ...Array(5).fill('0.5000'), '0.2500'],
      ['loss sca (alpha 0.5), IoU threshold 0.5, backend js'],
      ['unmatched ground truth: 1'],
      ['unmatched detections: 3'],
      ['crowd regions: 1'],
      ['ignored detections, in crowd regions: 2'],
      ['detections left out, beyond 100 per image and class: 0'],
    ])
      expect(cells).toContainEqual(row)
  })
})

describe('evaluate without pairs', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'scaloss-cli-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const write = (name: string, content: unknown) => writeFileSync(join(folder, name), JSON.stringify(content))

  test('empty files give empty tables', () => {
    write('instances.json', { images: [], annotations: [], categories: [] })
    write('detections.json', [])
    const { classes, total, averagePrecision } = evaluateJson(folder)
    expect(classes).toStrictEqual([])
    expect(averagePrecision).toMatchObject({ ap: -1, ar100: -1 })
    expect(total).toMatchObject({ groundTruth: 0, detections: 0, matched: 0, meanIou: null, meanLoss: null })
    expect(scaloss('evaluate', ...files(folder))).toMatchObject({ code: 0, stderr: '' })
  })

  test('detections beyond 100 of an image and class are counted apart', () => {
    write('instances.json', { images: [{ id: 1 }], annotations: [], categories: [{ id: 1, name: 'cup' }] })
    write('detections.json', Array(103).fill({ image_id: 1, category_id: 1, bbox: [0, 0, 1, 1], score: 0 }))
    expect(evaluateJson(folder).total).toMatchObject({
      detections: 103,
      unmatchedDetections: 100,
      droppedDetections: 3,
    })
  })
})

// A sample of 85 images with 38 classes, there when the repository is checked out beside it.
describe.runIf(existsSync(VOC))('evaluate on a larger sample', () => {
  const threshold = 0.3
  const pairs = () => {
    const groundTruth = readGroundTruth(join(VOC, 'instances.json'))
    const detections = DetectionTable.from(eachDetection(join(VOC, 'detections.json'), groundTruth))
    const matches = matchDetections(groundTruth.annotations, detections, { iouThreshold: threshold })
    return [...matches].flatMap((group) =>
      group.detections.flatMap(({ detection, annotation, ignored }) =>
        annotation === null || ignored ? [] : [[detection.bbox, annotation.bbox]],
      ),
    )
  }

  test('rows add up to the total, and counts and means stay in their bounds', () => {
    const { classes, ious, total, averagePrecision } = evaluateJson(VOC, '--iou-threshold', String(threshold))
    const sum = (rows: Record<string, number>[], field: string) => rows.reduce((all, row) => all + row[field], 0)
    for (const field of ['groundTruth', 'detections', 'matched', 'unmatchedGroundTruth', 'unmatchedDetections'])
      expect(sum(classes, field), field).toBe(total[field])
    expect(sum(ious, 'matched')).toBe(total.matched)
    const withTruth = classes.filter(({ ap }: { ap: number }) => ap >= 0)
    expect(averagePrecision.ap).toBeCloseTo(sum(withTruth, 'ap') / withTruth.length, 14)
    const raw = (name: string) => JSON.parse(readFileSync(join(VOC, name), 'utf8'))
    const crowds = raw('instances.json').annotations.filter((annotation: { iscrowd: number }) => annotation.iscrowd)
    expect(total.groundTruth + crowds.length).toBe(raw('instances.json').annotations.length)
    expect(total.detections).toBe(raw('detections.json').length)
    expect(total.matched).toBeGreaterThan(0)
    for (const row of [...classes, total]) {
      expect(row.matched).toBeLessThanOrEqual(Math.min(row.groundTruth, row.detections))
      expect(row.matched + row.unmatchedGroundTruth).toBe(row.groundTruth)
      expect(row.matched + row.unmatchedDetections + row.ignoredDetections + row.droppedDetections).toBe(row.detections)
      if (row.matched > 0) {
        expect(row.meanIou).toBeGreaterThanOrEqual(threshold)
        expect(row.meanIou).toBeLessThanOrEqual(1)
        expect(row.meanGradNorm).toBeGreaterThanOrEqual(0)
      }
    }
    for (const { from, to, meanIou } of ious.filter((row: { matched: number }) => row.matched > 0)) {
      expect(meanIou).toBeGreaterThanOrEqual(from)
      expect(meanIou).toBeLessThanOrEqual(to)
    }
  })

  test('the mean loss is that of 2 − S_SO + 0.5 L_CD written out', () => {
    const losses = pairs().map(([[x, y, w, h], [gx, gy, gw, gh]]) => {
      const wmax = Math.max(x + w, gx + gw) - Math.min(x, gx)
      const hmax = Math.max(y + h, gy + gh) - Math.min(y, gy)
      const wmin = Math.min(x + w, gx + gw) - Math.max(x, gx)
      const hmin = Math.min(y + h, gy + gh) - Math.max(y, gy)
      const corners = Math.hypot(x - gx, y - gy) + Math.hypot(x + w - gx - gw, y + h - gy - gh)
      return 2 - (wmin / wmax + hmin / hmax) + (0.5 * corners) / Math.hypot(wmax, hmax)
    })
    const { total } = evaluateJson(VOC, '--iou-threshold', String(threshold))
    expect(total.matched).toBe(losses.length)
    expect(total.meanLoss).toBeCloseTo(losses.reduce((sum, loss) => sum + loss) / losses.length, 12)
  })
})
