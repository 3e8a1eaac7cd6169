import { quartiles } from '../support.mjs'
import { percent, short, size, table } from './format.mjs'

/** @import { Report } from './report.mjs' */

const LARGE = 16 * 2 ** 20 // boxes, from which the targets of bandwidth count
const SMALL = { least: 256, most: 16384 } // boxes, within which those of latency count

/** GB/s that count as all of the bandwidth. @param {Report} report */
export const copyOf = ({ copies }) => quartiles(copies.map(({ median }) => median))

/**
 * How many times the milliseconds of scaloss PyTorch takes; of scaloss the mean of before and after.
 * @param {Report} report
 */
export function ratios({ rows, again, torch }) {
  return (torch?.results ?? []).flatMap(({ loss, mode, boxes, ms }) => {
    const own = [...rows, ...again].filter((row) => row.loss === loss && row.boxes === boxes && row.pass === 'fused')
    if (own.length === 0) return []
    const mean = own.reduce((sum, row) => sum + row.ms.median, 0) / own.length
    return [{ loss, mode, boxes, ms, own: mean, times: ms.median / mean }]
  })
}

/**
 * A line for a target, judged by its worst case.
 * @param {string} what
 * @param {'≥' | '≤'} bound
 * @param {number} goal
 * @param {(value: number) => string} text
 * @param {{ value: number, loss: string, boxes: number }[]} candidates
 */
function judge(what, bound, goal, text, candidates) {
  const target = `${bound} ${text(goal)}`
  if (candidates.length === 0) return [what, target, '', 'not measured']
  const sign = bound === '≥' ? 1 : -1
  const [worst] = candidates.toSorted((a, b) => sign * (a.value - b.value))
  const missed = candidates.filter(({ value }) => sign * (value - goal) < 0).length
  const verdict = missed === 0 ? 'met' : `missed by ${missed} of ${candidates.length}`
  return [what, target, `worst: ${text(worst.value)} (${worst.loss}, ${size(worst.boxes)})`, verdict]
}

/**
 * One line for each target of the GPU.
 * @param {Report} report
 */
function lines(report) {
  const { rows, again, latency, host, quick } = report
  const copy = copyOf(report).median
  const large = (/** @type {{ boxes: number }} */ { boxes }) => boxes >= LARGE || quick
  const bandwidths = [...rows, ...again]
    .filter((row) => row.pass === 'fused' && large(row))
    .map(({ loss, boxes, gbPerS }) => ({ loss, boxes, value: gbPerS.median / copy }))
  const against = (/** @type {string} */ mode) =>
    ratios(report)
      .filter((ratio) => ratio.mode === mode && large(ratio))
      .map(({ loss, boxes, times }) => ({ loss, boxes, value: times }))
  const calls = (/** @type {string} */ kind) =>
    latency
      .filter(({ what, boxes }) => what === kind && boxes >= SMALL.least && boxes <= SMALL.most)
      .map(({ loss, boxes, ms }) => ({ loss, boxes, value: 1e3 * ms.median }))
  const largest = Math.max(...host.map(({ boxes }) => boxes))
  const overlapped = (/** @type {string} */ kind) =>
    host
      .filter(({ memory, boxes }) => memory === kind && boxes === largest)
      .map(({ loss, boxes, limit, ms }) => ({ loss, boxes, value: limit / ms.median }))
  const share = (/** @type {number} */ value) => percent(value)
  const times = (/** @type {number} */ value) => `${short(value)} x`
  const microseconds = (/** @type {number} */ value) => `${short(value)} µs`
  return [
    judge('fused, device-resident, N ≥ 16 M: of the copy bandwidth', '≥', 0.92, share, bandwidths),
    judge('PyTorch eager takes, N ≥ 16 M', '≥', 20, times, against('eager')),
    judge('torch.compile takes, N ≥ 16 M', '≥', 1.6, times, against('compile')),
    ['kernel launches a call', '1', '1 by construction', 'not counted here'],
    judge('enqueue, N = 256 to 16 k', '≤', 5, microseconds, calls('enqueue')),
    judge('call to result on the host, N = 256 to 16 k', '≤', 20, microseconds, calls('result')),
    judge('pinned host arrays, largest N: of the slower copy', '≥', 0.9, share, overlapped('pinned')),
    judge('ordinary host arrays, largest N: of the slower copy', '≥', 0.9, share, overlapped('ordinary')),
  ]
}

/** @param {Report} report */
export function targetTable(report) {
  const text = [table(['what', 'target', 'measured', 'verdict'], lines(report))]
  if (report.quick) text.push('A quick run: sizes too small to mean anything.')
  if (report.failures.length > 0) text.push('Failed:', report.failures.map((failure) => `- ${failure}`).join('\n'))
  return text.join('\n\n')
}
