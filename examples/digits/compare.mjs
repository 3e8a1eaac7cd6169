import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { machine, machineLine } from '../../bench/support.mjs'
import { integer, readArguments, runCommand } from './command-line.mjs'
import { compareRuns } from './comparison.mjs'
import { comparisonPage } from './comparison-page.mjs'
import { CONFIGURATIONS } from './configurations.mjs'
import { drawCurves } from './curves.mjs'
import { comparisonProgress } from './progress.mjs'
import { readResult, trainInProcess } from './run-process.mjs'
import { commonSettings, OPTIONS, OPTIONS_HELP } from './settings.mjs'

// npm run compare: the paper's tables 1, 6 and 7 with the detector of digits (README.md).

/**
 * @import { Run } from './run-process.mjs'
 * @import { Result } from './train-detector.mjs'
 */

const HELP = `usage: npm run compare -- [options]

Trains the detector of digits with every loss and alpha of the paper's tables 1, 6 and 7, seed after seed, and compares. Writes
compare.json, compare.md, curves.svg and sheet.svg anew after each seed. Ctrl-C stops it; the same command goes on from there.

  --seeds <n>              trainings of each row (default 5)
  --jobs <n>               how many at a time (default: one a core)
  --out <folder>           where to write (default build/digits/compare); each training has a folder in runs/
  --save                   copy what was written to examples/digits/results/
${OPTIONS_HELP}`

const RESULTS = fileURLToPath(new URL('results', import.meta.url))
const FILES = ['compare.json', 'compare.md', 'curves.svg', 'sheet.svg']
/** Whose picture of predictions is shown. */
const SHEET_OF = 'sca-seed1'

function readOptions() {
  const values = readArguments({
    ...OPTIONS,
    seeds: { type: 'string', default: '5' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string', default: join('build', 'digits', 'compare') },
    save: { type: 'boolean', default: false },
  })
  if (values.help) return undefined
  return {
    settings: commonSettings(values),
    seeds: integer('seeds', values.seeds),
    jobs: integer('jobs', values.jobs),
    out: values.out,
    save: values.save,
  }
}

/**
 * The results of the seeds with which every configuration has been trained.
 * @param {ReadonlyMap<Run, Result>} results
 * @param {Run[]} runs
 */
function completeSeeds(results, runs) {
  /** @type {Record<string, Result[]>} */
  const byName = Object.fromEntries(CONFIGURATIONS.map(({ name }) => [name, []]))
  for (let first = 0; first < runs.length; first += CONFIGURATIONS.length) {
    const ofSeed = runs.slice(first, first + CONFIGURATIONS.length)
    if (!ofSeed.every((run) => results.has(run))) break
    for (const run of ofSeed) byName[run.name].push(/** @type {Result} */ (results.get(run)))
  }
  return byName
}

/**
 * @param {string} out
 * @param {Record<string, Result[]>} byName
 */
async function writeComparison(out, byName) {
  const comparison = compareRuns(byName)
  const page = comparisonPage(comparison, machineLine)
  writeFileSync(join(out, 'compare.json'), `${JSON.stringify({ machine, ...comparison }, null, 1)}\n`)
  writeFileSync(join(out, 'compare.md'), page)
  await drawCurves(out, comparison)
  copyFileSync(join(out, 'runs', SHEET_OF, 'sheet.svg'), join(out, 'sheet.svg'))
  return page
}

/** @param {string} out */
function copyResults(out) {
  mkdirSync(RESULTS, { recursive: true })
  for (const file of FILES) copyFileSync(join(out, file), join(RESULTS, file))
}

/**
 * @param {NonNullable<ReturnType<typeof readOptions>>} options
 * @param {AbortSignal} signal
 */
async function compare({ settings, seeds, jobs, out, save }, signal) {
  mkdirSync(out, { recursive: true })
  // Seeds in the outer loop: whenever it is stopped, all rows have the same seeds.
  /** @type {Run[]} */
  const runs = Array.from({ length: seeds }, (_, i) => i + 1).flatMap((seed) =>
    CONFIGURATIONS.map(({ name, loss, alpha }) => ({
      name,
      settings: { loss, ...(alpha !== undefined && { alpha }), seed, ...settings },
      folder: join(out, 'runs', `${name}-seed${seed}`),
    })),
  )
  /** @type {Map<Run, Result>} */
  const results = new Map()
  for (const run of runs) {
    const result = readResult(run)
    if (result) results.set(run, result)
  }

  let written = 0
  let page = 'no seed is complete yet'
  const write = async () => {
    const byName = completeSeeds(results, runs)
    const { length } = byName[CONFIGURATIONS[0].name]
    if (length === written) return
    written = length
    page = await writeComparison(out, byName)
    if (save) copyResults(out)
  }

  await write()

  const waiting = runs.filter((run) => !results.has(run))
  const progress = comparisonProgress(runs.length, results.size)
  const failure = new AbortController()
  const ended = AbortSignal.any([signal, failure.signal])
  const work = async () => {
    for (let run = waiting.shift(); run && !ended.aborted; run = waiting.shift()) {
      const training = progress.start(`${run.name}, seed ${run.settings.seed}`, settings.steps)
      const result = await trainInProcess(run, ended, training.update)
      training.stop()
      if (!result) return
      results.set(run, result)
      training.finish()
      await write()
    }
  }
  const workers = Array.from({ length: jobs }, () =>
    work().catch((error) => {
      failure.abort() // the others write their checkpoints
      throw error
    }),
  )
  const ends = await Promise.allSettled(workers)
  progress.stop()
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  console.log(page)
  if (signal.aborted) console.error('stopped; the same command goes on')
  return !signal.aborted
}

await runCommand(HELP, readOptions, compare)
