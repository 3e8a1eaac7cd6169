import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOSS_NAMES } from '../../src/core/losses.js'
import { hasBrowser, launch, openPage, SOFTWARE_GPU } from '../support/browser.js'
import { ROOT } from '../support/project.js'
import { bundle } from './bundle.js'
import type { TfAnswers } from './tfjs-page.js'

// scaloss/tfjs in Chromium, with every backend that TensorFlow.js has there. WebGL and WebGPU run on the CPU.

const STEPS = 200

type Answer<K extends keyof TfAnswers> = Awaited<ReturnType<TfAnswers[K]>>

describe.skipIf(!hasBrowser)('Chromium', () => {
  let browser: Browser
  let program: string
  let page: Page
  beforeAll(async () => {
    program = await bundle('tfjs-page.ts')
    browser = await launch(SOFTWARE_GPU)
    page = await openPage(browser, ROOT)
    await page.addScriptTag({ content: program })
  })
  afterAll(() => browser?.close())

  const ask = <K extends keyof TfAnswers>(question: K, ...args: Parameters<TfAnswers[K]>) =>
    page.evaluate<Answer<K>>(`tfAnswers.${question}(...${JSON.stringify(args)})`)
  const askWorker = <K extends keyof TfAnswers>(question: K, ...args: Parameters<TfAnswers[K]>) => {
    const call = `tfAnswers.${question}(...${JSON.stringify(args)}).then(postMessage)`
    return page.evaluate<Answer<K>>(`new Promise((resolve, reject) => {
      const worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(`${program};${call}`)}])))
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = ({ message }) => reject(new Error(message))
    })`)
  }

  it.each(['wasm', 'webgl', 'webgpu'])('%s: every loss and gradient is that on the backend cpu', async (backend) => {
    const results = await ask('losses', backend)
    expect(Object.keys(results)).toEqual(LOSS_NAMES)
    expect(results).toEqual(await ask('losses', 'cpu'))
  })

  it.each(['cpu', 'webgl', 'webgpu'])('%s: boxLossAsync trains in a page', async (backend) => {
    const { first, last } = await ask('train', backend, STEPS)
    expect(last).toBeLessThan(first / 10)
  })

  it('webgpu: computes and trains in a worker', async () => {
    expect(await askWorker('losses', 'webgpu')).toEqual(await ask('losses', 'cpu'))
    const { first, last } = await askWorker('train', 'webgpu', STEPS)
    expect(last).toBeLessThan(first / 10)
  })

  it('webgpu: where no tensor can be read synchronously, boxLoss says so and boxLossAsync trains', async () => {
    const { error, first, last } = await askWorker('trainWithoutSyncReads', STEPS)
    expect(error).toMatch(
      /^ScaLossError: yPred: expected a tensor that can be read .* 'webgpu'; there, use boxLossAsync of 'scaloss\/tfjs'$/,
    )
    expect(last).toBeLessThan(first / 10)
  })
})
