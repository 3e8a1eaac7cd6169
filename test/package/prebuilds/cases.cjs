// node cases.cjs prints lines that must be the same in every program that loads an addon: results in every SIMD level,
// by any number of threads, asynchronous, in workers, by plans; and errors. Other ways to call it:
//   node cases.cjs one             prints one result
//   node cases.cjs exit            ends with code 7 while threads and a worker compute
//   node cases.cjs workers         loads the addon in workers only, one after the other
const { join } = require('node:path')
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')

const way = isMainThread ? (process.argv[2] ?? 'all') : workerData.way
const dist = join(__dirname, '../../../dist')

/** Boxes of whole numbers.
 * @param {number} count @param {number} seed
 * @param {Float32ArrayConstructor | Float64ArrayConstructor} TypedArray */
function boxes(count, seed, TypedArray = Float32Array) {
  const array = new TypedArray(4 * count)
  let state = seed
  for (let i = 0; i < array.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    array[i] = (state % 1000) + (i % 4 < 2 ? 0 : 1000)
  }
  return array
}

/** Hashes a call that is large enough for many threads and for stores past the caches. @param {number} threads */
function large(threads) {
  const { boxLoss } = require(join(dist, 'index.js'))
  const { digest } = require('./results.cjs')
  const options = { reduction: 'mean', gradTarget: true, backend: 'cpu', threads }
  const { loss, grad, gradTarget } = boxLoss('sca', boxes(300_007, 1), boxes(300_007, 2), options)
  return digest(loss, grad, gradTarget)
}

/** Starts a worker that sends one hash, and then ends or goes on computing. @param {'once' | 'for ever'} way */
const start = (way) => new Worker(__filename, { workerData: { way } })

/** @param {Worker} worker @returns {Promise<string>} */
const sent = (worker) => new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))

/** @param {Worker} worker @returns {Promise<number>} */
const exited = (worker) => new Promise((resolve) => worker.on('exit', resolve))

async function ofWorkers() {
  const hashes = await Promise.all([sent(start('once')), sent(start('once'))])
  console.log(`workers ${[...new Set(hashes)].join()}`)
  const codes = await Promise.all(
    [1, 2].map(async () => {
      const worker = start('for ever')
      const code = exited(worker)
      await sent(worker)
      await worker.terminate()
      return code
    }),
  )
  console.log(`terminated-workers ${codes.join()}`)
}

/** @param {string} name @param {() => unknown} call */
async function outcome(name, call) {
  try {
    console.log(`${name} returned ${await call()}`)
  } catch (thrown) {
    const error = /** @type {NodeJS.ErrnoException} */ (thrown)
    console.log(`${name} ${error.name} ${error.code} ${error.message.split('\n')[0]}`)
  }
}

async function all() {
  const { alloc, backends, boxLoss, boxLossAsync, createPlan, pairwise } = require(join(dist, 'index.js'))
  const { loadNative } = require(join(dist, 'native/addon.js'))
  const { digest, resultsOfHeads, resultsOfLosses } = require('./results.cjs')
  const { cpu } = backends()
  if (!cpu.available) throw new Error(cpu.message)
  const native = loadNative()

  for (const level of cpu.simdLevels) {
    native.setSimd(level)
    for (const [name, hash] of [...resultsOfLosses(), ...resultsOfHeads()]) console.log(`${level}:${name} ${hash}`)
  }
  for (const threads of [1, 2, 4, 16]) console.log(`threads:${threads} ${large(threads)}`)
  const options = { backend: 'cpu', threads: 4 }
  const [p, t] = [boxes(50_000, 3, Float64Array), boxes(50_000, 4, Float64Array)]
  const calls = Array.from({ length: 12 }, () => boxLossAsync('giou', p, t, options))
  console.log(`async ${[...new Set((await Promise.all(calls)).map(({ loss, grad }) => digest(loss, grad)))].join()}`)
  console.log(`pairwise ${digest(pairwise('ciou', boxes(300, 5), boxes(500, 6), options))}`)

  const plan = createPlan('siou', { boxes: 5000, ...options })
  plan.pred.set(boxes(5000, 7))
  plan.target.set(boxes(5000, 8))
  const { loss, grad } = plan.run()
  console.log(`plan ${digest(loss, grad)}`)
  plan.dispose()
  for (let i = 0; i < 300; i++) alloc(100_000, 'float64', { backend: 'cpu' })
  console.log(`alloc ${alloc(1000, 'float32', { backend: 'cpu' }).every((/** @type {number} */ value) => value === 0)}`)

  // Exceptions of C++: of the addon, and of the C++ library, which is asked for more memory than there is.
  const four = new Float32Array(4)
  await outcome('invalid-length', () => boxLoss('sca', new Float32Array(3), four))
  await outcome('invalid-box', () =>
    boxLoss('sca', four.fill(Number.NaN), four, { backend: 'cpu', onInvalid: 'throw' }),
  )
  await outcome('no-memory', () => native.allocate(2 ** 50, false))
  for (const name of ['boxLoss', 'boxLossAsync', 'pairwise', 'newPlan', 'runPlan', 'release'])
    for (const args of [[], [1], [new Float64Array(64), four, 'x']])
      await outcome(`native-${name}-${args.length}`, () => native[name](...args))
  let thrown = 0
  for (let i = 0; i < 2000; i++)
    try {
      native.release(5)
    } catch {
      thrown++
    }
  console.log(`exceptions ${thrown}`)
  await ofWorkers()
}

async function exit() {
  const { boxLossAsync } = require(join(dist, 'index.js'))
  await sent(start('for ever'))
  const [p, t] = [boxes(300_000, 1), boxes(300_000, 2)]
  for (let i = 0; i < 20; i++) boxLossAsync('sca', p, t, { backend: 'cpu', threads: 4 })
  console.log('exit')
  process.exit(7)
}

async function workers() {
  for (let i = 0; i < 3; i++) {
    const worker = start('once')
    const code = exited(worker)
    console.log(`worker:${i} ${await sent(worker)} ${await code}`)
  }
  // Node unloads an addon after the last worker that used it. Threads of its pool must not be left without code.
  const { sharedObjects } = /** @type {{ sharedObjects: string[] }} */ (process.report.getReport())
  console.log(`still-loaded ${sharedObjects.some((file) => file.endsWith('.node'))}`)
}

async function one() {
  console.log(large(4))
}

async function inWorker() {
  parentPort?.postMessage(large(4))
  while (way === 'for ever') large(4)
}

/** @type {Record<string, () => Promise<void>>} */
const ways = { all, one, exit, workers, once: inWorker, 'for ever': inWorker }
ways[way]?.()
