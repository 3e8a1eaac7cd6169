import { averagePrecisionOf } from '../coco/average-precision.js'
import { NO_POSITIVES } from '../coco/curve.js'
import { DetectionTable } from '../coco/detection-table.js'
import { matchDetections } from '../coco/match.js'
import { METRICS, type Metric, type MetricName, type Metrics } from '../coco/metrics.js'
import { MAX_DETECTIONS } from '../coco/outcomes.js'
import { eachDetection, readGroundTruth } from '../coco/read.js'
import { byClass, byIou, type ClassSummary, collect, evaluatePairs, type PairSummary, total } from '../coco/summary.js'
import type { Detection } from '../coco/types.js'
import { warningsOf } from '../coco/warnings.js'
import { LOSS_NAMES, LOSSES } from '../core/losses.js'
import { BACKENDS, resolveBackend } from '../native/backends.js'
import { alphaOf, DEFAULT_ALPHA, usesAlpha } from './alpha.js'
import { type Progress, withProgress } from './progress.js'
import { type Column, formatTable } from './table.js'
import { type Io, inLines, numberOf, oneOf, parseOptions, wrongValue } from './usage.js'

/** The losses that fit COCO's boxes, which have two axes. `mpdiou` is left out because the images have many sizes. */
const NAMES = LOSS_NAMES.filter((name) => LOSSES[name].axes === 2 && name !== 'mpdiou')

export const EVALUATE_HELP = `Usage: scaloss evaluate --ground-truth <instances.json> --detections <results.json> [options]

Matches detections to ground truth by COCO's greedy rule, at most ${MAX_DETECTIONS} per image and class, and reports
IoU, loss and gradient norm of the matched pairs by class and by IoU, and COCO's average precision and recall.

  --ground-truth <file>   COCO instances: { images, annotations, categories }, bbox as [x, y, width, height]
  --detections <file>     COCO results: [{ image_id, category_id, bbox, score }]
  --loss <name>           one of those below (default: sca)
  --alpha <number>        weight of the corner distance in ${NAMES.filter(usesAlpha).join(', ')} (default: ${DEFAULT_ALPHA})
  --iou-threshold <t>     smallest IoU of a matched pair, above 0 and up to 1 (default: 0.5); AP has its own
  --backend <name>        ${BACKENDS.join(', ')} (default: auto)
  --json                  print the same numbers as JSON, and the warnings

Losses: ${inLines(NAMES)}
`

function parse(args: readonly string[]) {
  const values = parseOptions(args, {
    'ground-truth': { type: 'string' },
    detections: { type: 'string' },
    loss: { type: 'string', default: 'sca' },
    alpha: { type: 'string' },
    'iou-threshold': { type: 'string', default: '0.5' },
    backend: { type: 'string', default: 'auto' },
    json: { type: 'boolean', default: false },
  })
  const file = (option: 'ground-truth' | 'detections') => values[option] || wrongValue(option, 'a file', values[option])
  const loss = oneOf('loss', values.loss, NAMES)
  const alpha = alphaOf(values.alpha, [loss], NAMES) ?? DEFAULT_ALPHA
  return {
    groundTruth: file('ground-truth'),
    detections: file('detections'),
    loss,
    alpha: usesAlpha(loss) ? alpha : null,
    iouThreshold: numberOf(
      'iou-threshold',
      values['iou-threshold'],
      'a number above 0 and up to 1',
      (value) => value > 0 && value <= 1,
    ),
    backend: resolveBackend(oneOf('backend', values.backend, BACKENDS)),
    json: values.json,
  }
}

const MEANS: Column[] = [
  { title: 'matched', align: 'right' },
  { title: 'mean IoU', align: 'right' },
  { title: 'mean loss', align: 'right' },
  { title: 'mean grad norm', align: 'right' },
]
const CLASS_COLUMNS: Column[] = [
  { title: 'class', align: 'left' },
  { title: 'ground truth', align: 'right' },
  { title: 'detections', align: 'right' },
  ...MEANS,
  { title: 'AP', align: 'right' },
]
const IOU_COLUMNS: Column[] = [{ title: 'IoU', align: 'left' }, ...MEANS]
const METRIC_COLUMNS: Column[] = [
  { title: 'metric', align: 'left' },
  { title: 'IoU', align: 'left' },
  { title: 'area', align: 'left' },
  { title: 'max detections', align: 'right' },
  { title: 'value', align: 'right' },
]

/** Formats a mean with four decimals, or with four digits if it is too small for that. Without pairs the result is a
 * dash. */
function decimal(value: number | null): string {
  if (value === null) return '-'
  return value !== 0 && Math.abs(value) < 0.001 ? value.toPrecision(4) : value.toFixed(4)
}

function meanCells({ matched, meanIou, meanLoss, meanGradNorm }: PairSummary): string[] {
  return [String(matched), decimal(meanIou), decimal(meanLoss), decimal(meanGradNorm)]
}

function classCells(name: string, summary: ClassSummary, ap: number): string[] {
  return [name, String(summary.groundTruth), String(summary.detections), ...meanCells(summary), metricCell(ap)]
}

/** Formats a metric. The result is a dash where there is no ground truth to find. */
function metricCell(value: number): string {
  return decimal(value === NO_POSITIVES ? null : value)
}

/** Formats COCO's summary, and below it AP and AR at each threshold. */
function metricTables(metrics: Metrics): string[] {
  const { byIou } = metrics
  const thresholds = byIou.map(({ iouThreshold }) => String(iouThreshold))
  return [
    formatTable(
      METRIC_COLUMNS,
      Object.entries<Metric>(METRICS).map(([name, { measure, area, maxDetections, iouThreshold }]) => [
        measure === 'precision' ? 'AP' : 'AR',
        String(iouThreshold ?? `${thresholds[0]} to ${thresholds.at(-1)}`),
        area,
        String(maxDetections),
        metricCell(metrics[name as MetricName]),
      ]),
    ),
    formatTable(
      ['IoU', ...thresholds].map((title, index) => ({ title, align: index === 0 ? 'left' : 'right' })),
      [
        ['AP', ...byIou.map(({ ap }) => metricCell(ap))],
        ['AR', ...byIou.map(({ ar }) => metricCell(ar))],
      ],
    ),
  ]
}

type Options = ReturnType<typeof parse>

/** Passes detections on and shows how many have been read. */
function* counted(detections: Iterable<Detection>, progress: Progress): Generator<Detection, void, void> {
  let count = 0
  for (const detection of detections) {
    // Progress is shown rarely, because asking for the time costs more than reading a detection.
    if (count % 1000 === 0) progress.show(`${count} detections read`)
    count++
    yield detection
  }
}

/** Computes everything that is printed, for both forms of output. */
function report(options: Options, progress: Progress) {
  const groundTruth = readGroundTruth(options.groundTruth)
  const detections = DetectionTable.from(counted(eachDetection(options.detections, groundTruth), progress))
  const { byClass: metricsByClass, ...metrics } = averagePrecisionOf(
    groundTruth.annotations,
    detections,
    (categoryId) => progress.show(`class ${categoryId} judged`),
  )
  const { counts, matched } = collect(
    matchDetections(groundTruth.annotations, detections, {
      iouThreshold: options.iouThreshold,
      maxDetections: MAX_DETECTIONS,
    }),
  )
  const { pairs, backend } = evaluatePairs(matched, options)
  // Both lists have a row for each class in the files, by ascending id.
  const classes = byClass(counts, pairs, groundTruth.categories).map((row, index) => ({
    ...row,
    ap: metricsByClass[index].ap,
  }))
  return {
    groundTruth: options.groundTruth,
    detections: options.detections,
    images: groundTruth.imageIds.size,
    loss: options.loss,
    alpha: options.alpha,
    iouThreshold: options.iouThreshold,
    maxDetections: MAX_DETECTIONS,
    backend,
    classes,
    ious: byIou(pairs, options.iouThreshold),
    total: total(counts, pairs),
    averagePrecision: metrics,
    warnings: warningsOf(groundTruth.annotations, detections),
  }
}

function formatReport(result: ReturnType<typeof report>): string {
  const { total, maxDetections } = result
  const alpha = result.alpha === null ? '' : ` (alpha ${result.alpha})`
  return [
    `${result.detections} against ${result.groundTruth}, ${result.images} images`,
    `loss ${result.loss}${alpha}, IoU threshold ${result.iouThreshold}, backend ${result.backend}`,
    '',
    formatTable(
      CLASS_COLUMNS,
      result.classes.map((row) => classCells(row.name, row, row.ap)),
      classCells('all', total, result.averagePrecision.ap),
    ),
    formatTable(
      IOU_COLUMNS,
      result.ious.map((row) => [`${row.from} to ${row.to}`, ...meanCells(row)]),
      ['all', ...meanCells(total)],
    ),
    ...metricTables(result.averagePrecision),
    `unmatched ground truth: ${total.unmatchedGroundTruth}`,
    `unmatched detections: ${total.unmatchedDetections}`,
    `crowd regions: ${total.crowds}`,
    `ignored detections, in crowd regions: ${total.ignoredDetections}`,
    `detections left out, beyond ${maxDetections} per image and class: ${total.droppedDetections}`,
    '',
  ].join('\n')
}

/** Runs `scaloss evaluate`: reads both files, matches, computes and prints. The loss has no unit. The gradient norm is
 * in 1/pixel: the L2 norm of d loss / d (x1, y1, x2, y2) of the detection. Throws `UsageError`, and `ScaLossError` for
 * files and backends. */
export function evaluate(args: readonly string[], io: Io): void {
  const options = parse(args)
  const result = withProgress(io, (progress) => report(options, progress))
  for (const warning of result.warnings) io.stderr.write(`scaloss: warning: ${options.detections}: ${warning}\n`)
  io.stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : formatReport(result))
}
