import { quartiles } from '../support.mjs'
import { percent, short, size, spread, table, unique } from './format.mjs'
import { CALLS } from './host.mjs'
import { copyOf, ratios, targetTable } from './targets.mjs'

/**
 * @import { machine } from '../support.mjs'
 * @import { Pass, Row } from './device.mjs'
 * @import { HostRow, LatencyRow } from './host.mjs'
 * @import { Budget, Quartiles } from './timing.mjs'
 * @import { TorchResult } from './torch.mjs'
 * @typedef {object} Gpu
 * @property {string} name
 * @property {string} computeCapability
 * @property {number} multiprocessors
 * @property {number} memory Bytes.
 * @property {string} driver
 * @property {string} runtime
 * @property {Record<string, string> | undefined} [before] What nvidia-smi said before the run.
 * @property {Record<string, string> | undefined} [after] The same after the run.
 * @typedef {object} Report gpu.json.
 * @property {typeof machine} machine
 * @property {Gpu} gpu
 * @property {boolean} quick
 * @property {number} rotateBytes
 * @property {number} checkBoxes
 * @property {Budget} budget
 * @property {Quartiles[]} copies GB/s of the device-to-device copy, all through the run.
 * @property {Row[]} rows
 * @property {Row[]} again The same after PyTorch's turn.
 * @property {TorchResult} [torch]
 * @property {Row[]} storage
 * @property {LatencyRow[]} latency
 * @property {{ up: Quartiles, down: Quartiles }} [pinned] GB/s.
 * @property {HostRow[]} host
 * @property {string[]} failures
 * @property {number} seconds
 */

/**
 * Rows are losses, columns sizes.
 * @param {Row[]} rows
 * @param {(row: Row) => string} cell
 */
function bySize(rows, cell) {
  const sizes = unique(rows.map(({ boxes }) => boxes)).sort((a, b) => a - b)
  const body = unique(rows.map(({ loss }) => loss)).map((loss) => {
    const at = (/** @type {number} */ boxes) => rows.find((row) => row.loss === loss && row.boxes === boxes)
    return [`\`${loss}\``, ...sizes.map(at).map((row) => (row ? cell(row) : ''))]
  })
  return table(['loss', ...sizes.map(size)], body)
}

/** @param {Report} report */
function deviceSection(report) {
  const copy = copyOf(report)
  const least = report.quick ? 0 : 2 ** 20
  const passes = /** @type {[Pass, string][]} */ ([
    ['fused', 'loss and gradient, mean'],
    ['forward', 'loss alone, mean'],
  ])
  const tables = passes.flatMap(([pass, title]) => {
    const rows = report.rows.filter((row) => row.pass === pass)
    const bytes = unique(rows.map((row) => row.bytes)).join(', with three axes ')
    return [
      `### ${title}: ${bytes} bytes a box`,
      'Share of the copy bandwidth:',
      bySize(
        rows.filter(({ boxes }) => boxes >= least),
        ({ gbPerS }) => percent(gbPerS.median / copy.median),
      ),
      'Microseconds a call:',
      bySize(rows, ({ ms }) => spread(ms, 1e3)),
    ]
  })
  return [
    '## Device-resident, float32',
    `Device-to-device copy, bytes read and written: ${spread(copy)} GB/s, median and quartiles of ${report.copies.length} turns all through ` +
      `the run. Losses and gradients of ${report.checkBoxes} boxes, and the last gradients of the largest size, had the bits of backend 'cpu' ` +
      `first. Calls follow each other on one stream, between events, over buffers that are used in turns (${(report.rotateBytes / 1e9).toFixed(1)} GB ` +
      'together, less at the smallest sizes). Where a kernel is shorter than its call on the host, the time is that of the call.',
    ...tables,
  ]
}

/** @param {Report} report */
function torchSection(report) {
  const { torch, rows, again } = report
  if (!torch) return ['## PyTorch on the same GPU', 'Not asked for.']
  if (torch.skipped) return ['## PyTorch on the same GPU', `Not measured: ${torch.skipped}.`]
  const all = ratios(report)
  const drift = again.flatMap((row) => {
    const before = rows.find(({ loss, boxes, pass }) => loss === row.loss && boxes === row.boxes && pass === row.pass)
    return before ? [row.ms.median / before.ms.median] : []
  })
  const body = all.map(({ loss, mode, boxes, ms, own, times }) => [
    `\`${loss}\``,
    mode,
    size(boxes),
    spread(ms),
    short(own),
    `${short(times)} x`,
  ])
  return [
    '## PyTorch on the same GPU',
    `PyTorch ${torch.torch} (CUDA ${torch.cuda})${torch.torchvision ? `, torchvision ${torch.torchvision}` : ''}: forward, backward and mean of plain ` +
      `statements of the formulas (plain_losses.py), which agreed with scaloss first: in float64 within ${torch.tolerance?.float64} of the largest ` +
      `loss and gradient, in float32, as timed, within ${torch.tolerance?.float32} of the gradient's norm and of the loss; ${torch.leftOut} pairs ` +
      `within 0.001 pixels of a kink were left out. Inputs are used in turns as above; gradients get the memory that its allocator has free, which ` +
      `at 1 M boxes the L2 holds. Its copy: ${torch.copy ? spread(torch.copy) : '?'} GB/s.`,
    ...(drift.length > 0
      ? [`scaloss: mean of before and after; after took ${spread(quartiles(drift))} times as long as before.`]
      : []),
    table(['loss', 'mode', 'boxes', 'PyTorch, ms', 'scaloss, ms', 'PyTorch takes'], body),
    ...(torch.notMeasured.length > 0
      ? [
          'Not measured:',
          torch.notMeasured
            .map(({ loss, mode, boxes, reason }) => `- \`${loss}\`, ${mode}, ${size(boxes)}: ${reason}`)
            .join('\n'),
        ]
      : []),
  ]
}

/** @param {Report} report */
function storageSection(report) {
  const copy = copyOf(report).median
  const body = report.storage.map(({ loss, dtype, reduction, boxes, ms, bytes, gbPerS }) => [
    `\`${loss}\``,
    dtype,
    reduction,
    size(boxes),
    String(bytes),
    spread(ms),
    percent(gbPerS.median / copy),
  ])
  const head = ['loss', 'storage', 'reduction', 'boxes', 'bytes a box', 'ms', 'of the copy']
  return ['## Other storage, loss and gradient', table(head, body)]
}

/** @param {Report} report */
function latencySection({ latency }) {
  const kinds = Object.entries(CALLS)
  const body = unique(latency.map(({ loss, boxes }) => `${loss} ${boxes}`)).map((key) => {
    const [loss, boxes] = key.split(' ')
    const cells = kinds.map(([kind]) => {
      const row = latency.find((row) => row.what === kind && row.loss === loss && row.boxes === Number(boxes))
      return row ? spread(row.ms, 1e3) : ''
    })
    return [`\`${loss}\``, size(Number(boxes)), ...cells]
  })
  return [
    '## Small calls: microseconds on the host',
    table(['loss', 'boxes', ...kinds.map(([, title]) => title)], body),
  ]
}

/** @param {Report} report */
function hostSection({ host, pinned }) {
  if (!pinned) return ['## Host arrays', 'Not measured.']
  const body = host.map(({ loss, memory, boxes, ms, limit, cpu }) => [
    `\`${loss}\``,
    memory,
    size(boxes),
    spread(ms),
    percent(limit / ms.median),
    spread(cpu),
    `${short(cpu.median / ms.median)} x`,
  ])
  const crossovers = unique(host.map(({ loss, memory }) => `${loss} ${memory}`)).map((key) => {
    const rows = host.filter(({ loss, memory }) => key === `${loss} ${memory}`)
    const slower = rows.findLastIndex(({ ms, cpu }) => ms.median >= cpu.median)
    const first = rows[slower + 1]
    return `- ${key.replace(' ', ', ')}: CUDA is faster than the CPU ${first ? `from ${size(first.boxes)} boxes` : 'at none of these sizes'}`
  })
  const head = ['loss', 'memory', 'boxes', 'CUDA, ms', 'of the limit', 'CPU, ms', 'CPU takes']
  return [
    '## Host arrays',
    `Pinned copies, each direction alone: ${spread(pinned.up)} GB/s up, ${spread(pinned.down)} GB/s down. The limit is the slower of 32 bytes a box ` +
      'up and 16 down, the other one overlapped. The CPU is that of this machine.',
    table(head, body),
    crossovers.join('\n'),
  ]
}

/** @param {Report} report */
export function page(report) {
  const { machine, gpu, budget } = report
  const { cpu, cores, node, scaloss, commit, date } = machine
  const driver = gpu.before?.driver_version
    ? `driver ${gpu.before.driver_version} (CUDA ${gpu.driver})`
    : `driver for CUDA ${gpu.driver}`
  return `${[
    '# GPU benchmark',
    `${gpu.name}, compute capability ${gpu.computeCapability}, ${gpu.multiprocessors} multiprocessors, ${(gpu.memory / 2 ** 30).toFixed(0)} GiB; ${driver}, ` +
      `runtime ${gpu.runtime}; ${cpu}, ${cores} logical cores; Node ${node}, scaloss ${scaloss} (${commit}), ${date}. Written by \`node bench/gpu/run.mjs\` ` +
      `in ${report.seconds.toFixed(0)} s. Medians, in parentheses quartiles, of samples of about ${budget.sample} ms, about ${budget.cell} ms a row; the first ` +
      `calls of each row and ${(budget.warmUp / 1e3).toFixed(1)} s before each group do not count. 1 k is 1024, 1 M 1024².`,
    '## Targets',
    targetTable(report),
    ...deviceSection(report),
    ...torchSection(report),
    ...storageSection(report),
    ...latencySection(report),
    ...hostSection(report),
  ].join('\n\n')}\n`
}
