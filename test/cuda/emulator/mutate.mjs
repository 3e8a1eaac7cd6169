// Plants one fault at a time in a copy of the kernels and tells which check finds it:
//
//   npm run mutate             all faults; writes the table of README.md
//   npm run mutate -- TEXT     those with this text in their name
//
// Fails when a fault is found by no build of the check, or when the sources no longer hold the text that a fault
// changes.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BUILDS, buildCheck, checkCommand, cpuObjects } from './check.mjs'

const PAIRS = 20_000
const TIME_LIMIT = 120_000
const README = 'test/cuda/emulator/README.md'
const [BEGIN, END] = ['<!-- mutations -->', '<!-- end of mutations -->']

/** @typedef {{ fault: string, file: string, from: string, to: string }} Mutation */
/** @type {readonly Mutation[]} */
const MUTATIONS = [
  {
    fault: 'a barrier missing before the tree',
    file: 'cuda/block_sum.cuh',
    from: 'scratch[t] = lane;\n  __syncthreads();',
    to: 'scratch[t] = lane;',
  },
  {
    fault: 'scratch used again without a barrier',
    file: 'cuda/box_loss.cuh',
    from: '    __syncthreads();  // scratch is used again by the next tile\n',
    to: '',
  },
  {
    fault: 'a barrier missing before the ticket',
    file: 'cuda/box_loss.cuh',
    from: '  __syncthreads();  // all invalid rows of the block are counted, and scratch is free\n',
    to: '',
  },
  {
    fault: 'a barrier missing after the ticket',
    file: 'cuda/box_loss.cuh',
    from: '  __syncthreads();\n  if (!is_last[0]) return;',
    to: '  if (!is_last[0]) return;',
  },
  {
    fault: 'a relaxed ticket',
    file: 'cuda/box_loss.cuh',
    from: 'cuda::memory_order_acq_rel)',
    to: 'cuda::memory_order_relaxed)',
  },
  {
    fault: 'a ticket that only releases',
    file: 'cuda/box_loss.cuh',
    from: 'cuda::memory_order_acq_rel)',
    to: 'cuda::memory_order_release)',
  },
  {
    fault: 'the ticket not reset',
    file: 'cuda/box_loss.cuh',
    from: '    *workspace.ticket = 0;\n',
    to: '',
  },
  {
    fault: 'the invalid count not reset',
    file: 'cuda/box_loss.cuh',
    from: '    *workspace.invalid = 0;\n',
    to: '',
  },
  {
    fault: 'one row too many read',
    file: 'cuda/box_loss.cuh',
    from: 'row < job.boxes ? row : job.boxes - 1',
    to: 'row <= job.boxes ? row : job.boxes - 1',
  },
  {
    fault: 'one row too many written',
    file: 'cuda/box_loss.cuh',
    from: 'if (row < job.boxes) {',
    to: 'if (row <= job.boxes) {',
  },
  {
    fault: 'pairwise: one column too many',
    file: 'cuda/pairwise.cu',
    from: 'if (column >= job.columns) continue;',
    to: 'if (column > job.columns) continue;',
  },
  {
    fault: 'a misaligned load',
    file: 'cuda/device_rows.cuh',
    from: 'reinterpret_cast<const float4*>(rows) + row',
    to: 'reinterpret_cast<const float4*>(rows + 1) + row',
  },
  {
    fault: 'a misaligned store',
    file: 'cuda/device_rows.cuh',
    from: 'reinterpret_cast<float4*>(rows)[row] =',
    to: 'reinterpret_cast<float4*>(rows + 1)[row] =',
  },
  {
    fault: 'the last partial sum dropped',
    file: 'cuda/box_loss.cuh',
    from: 'tiles; tile += kLanes) lane',
    to: 'tiles - 1; tile += kLanes) lane',
  },
  {
    fault: 'one partial sum too many',
    file: 'cuda/box_loss.cuh',
    from: 'tiles; tile += kLanes) lane',
    to: 'tiles + 1; tile += kLanes) lane',
  },
  {
    fault: 'lanes added in another order',
    file: 'cuda/block_sum.cuh',
    from: '(scratch[t] + scratch[t + 128]) + (scratch[t + 64] + scratch[t + 192])',
    to: '(scratch[t] + scratch[t + 64]) + (scratch[t + 128] + scratch[t + 192])',
  },
  {
    fault: 'a shuffle too few',
    file: 'cuda/block_sum.cuh',
    from: 'int offset = 16;',
    to: 'int offset = 8;',
  },
  {
    fault: 'a shuffle whose mask leaves out half of the warp',
    file: 'cuda/block_sum.cuh',
    from: '__shfl_xor_sync(0xffffffffu',
    to: '__shfl_xor_sync(0x0000ffffu',
  },
  {
    fault: 'threads without a row end before the barrier',
    file: 'cuda/box_loss.cuh',
    from: '  uint32_t invalid = 0;\n',
    to: '  uint32_t invalid = 0;\n  if (int64_t(threadIdx.x) >= job.boxes) return;\n',
  },
]

/**
 * The source with one fault in it.
 * @param {string} source @param {Mutation} mutation
 */
function planted(source, { fault, file, from, to }) {
  const parts = source.split(from)
  if (parts.length !== 2) throw new Error(`${fault}: ${file} holds this ${parts.length - 1} times, not once:\n${from}`)
  return parts.join(to)
}

/**
 * The check that fails, or null.
 * @param {string} program
 */
function failingCheck(program) {
  const [command, arguments_] = checkCommand(program, PAIRS)
  const { status, stdout } = spawnSync(command, arguments_, { encoding: 'utf8', timeout: TIME_LIMIT })
  if (status === 0) return null
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  return last.slice(0, 60).trim().replace(/,.*/, '')
}

/** @param {{ fault: string, found: (string | null)[] }[]} rows */
function writeTable(rows) {
  const lines = rows.map(({ fault, found }) => `| ${[fault, ...found.map((name) => name ?? '–')].join(' | ')} |`)
  const table = ['| fault | plain | ASAN + UBSan | TSAN |', '| --- | --- | --- | --- |', ...lines].join('\n')
  const page = readFileSync(README, 'utf8')
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (before < 0 || after < 0) throw new Error(`${README} lacks its markers`)
  writeFileSync(README, `${page.slice(0, before + BEGIN.length)}\n${table}\n${page.slice(after)}`)
}

const [text = ''] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'scaloss-mutate-'))
try {
  for (const sources of ['core', 'cpu', 'cuda', 'test/cuda/emulator', 'test/support']) {
    cpSync(sources, join(folder, sources), { recursive: true })
  }
  const objects = cpuObjects()
  /** @param {import('./check.mjs').Build} build */
  const failing = (build) => failingCheck(buildCheck(build, { root: folder, objects, folder: join(folder, 'build') }))
  for (const build of BUILDS) {
    const found = failing(build)
    if (found !== null) throw new Error(`without any fault the ${build} build fails in: ${found}`)
  }

  const rows = MUTATIONS.filter(({ fault }) => fault.includes(text)).map((mutation) => {
    const path = join(folder, mutation.file)
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, planted(source, mutation))
    const found = BUILDS.map(failing)
    writeFileSync(path, source)
    console.log(`${mutation.fault}: ${found.map((name) => name ?? '–').join(' | ')}`)
    return { fault: mutation.fault, found }
  })

  if (text === '') writeTable(rows)
  const missed = rows.filter(({ found }) => found.every((name) => name === null))
  for (const { fault } of missed) console.error(`found by no build: ${fault}`)
  if (missed.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}
