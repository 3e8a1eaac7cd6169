import type { Browser, ConsoleMessage, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as scaloss from '../../src/index.js'
import { simulate } from '../../src/simulation.js'
import { hasBrowser, launch, openPage } from '../support/browser.js'
import { ROOT } from '../support/project.js'
import { bundle } from './bundle.js'
import { everyCall, everyHead, everyLoss } from './calls.js'
import type { Answers } from './page.js'

// The package in Chromium: in a page, in a worker, without a bundler, and where a policy forbids WebAssembly. Skipped
// without the chromium of Debian, which .ci/run has.

describe.skipIf(!hasBrowser)('Chromium', () => {
  let browser: Browser
  let program: string
  beforeAll(async () => {
    program = await bundle('page.ts')
    browser = await launch()
  })
  afterAll(() => browser?.close())

  const open = async (headers?: Record<string, string>) => {
    const page = await openPage(browser, `${ROOT}/dist/esm`, headers)
    await page.addScriptTag({ content: program })
    return page
  }
  const ask = <K extends keyof Answers>(page: Page, question: K) =>
    page.evaluate<Awaited<ReturnType<Answers[K]>>>(`answers.${question}()`)

  describe('a page', () => {
    let page: Page
    beforeAll(async () => {
      page = await open()
    })

    it('computes every loss to the bits of the addon', async () => {
      const results = await ask(page, 'everyLoss')
      expect(Object.keys(results).length).toBeGreaterThan(150)
      expect(results).toEqual(everyLoss(scaloss, 'cpu'))
    })

    it('computes every coder to the bits of the addon', async () => {
      expect(await ask(page, 'everyHead')).toEqual(everyHead(scaloss, 'cpu'))
    })

    it('makes plans, asynchronous calls and gradient checks', async () => {
      expect(await ask(page, 'everyCall')).toEqual(await everyCall(scaloss, 'wasm'))
    })

    it('takes WebAssembly by itself, and says why nothing else', async () => {
      expect(await ask(page, 'backend')).toBe('wasm')
      const { cpu, cuda, wasm } = await ask(page, 'backends')
      expect(wasm).toEqual({ available: true })
      expect(cpu).toEqual({
        available: false,
        reason: 'no-node',
        message: expect.stringContaining('Only Node.js, Bun and Deno can load addons'),
      })
      expect(cuda).toEqual(cpu)
    })

    it('scores detections and runs the simulation, but cannot read files', async () => {
      expect(await ask(page, 'averagePrecision')).toBe(1)
      expect(await ask(page, 'simulated')).toEqual(
        [...simulate('sca', { iterations: 1, backend: 'wasm' })].map(({ meanIou }) => meanIou),
      )
      expect(await ask(page, 'readingFiles')).toMatch(/^ScaLossError: files: expected Node, Bun or Deno/)
    })
  })

  it('computes the same in a worker', async () => {
    const page = await open()
    const source = JSON.stringify(`${program}; postMessage(answers.everyLoss())`)
    const results = await page.evaluate(`new Promise((resolve, reject) => {
      const worker = new Worker(URL.createObjectURL(new Blob([${source}])))
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = ({ message }) => reject(new Error(message))
    })`)
    expect(results).toEqual(everyLoss(scaloss, 'cpu'))
  })

  it('imports the ES modules without a bundler', async () => {
    const page = await open()
    const result = await page.evaluate(`import('/files/index.js').then(({ boxLoss }) =>
      boxLoss('sca', new Float32Array([0, 0, 1, 1]), new Float32Array([0, 0, 2, 2])))`)
    expect(result).toMatchObject({ backend: 'wasm', loss: 1.25 })
  })

  it('computes in JavaScript where the policy of a page forbids WebAssembly, and says so', async () => {
    const page = await open({ 'content-security-policy': "script-src 'unsafe-inline'" })
    const messages: string[] = []
    page.on('console', (message: ConsoleMessage) => messages.push(message.text()))
    expect(await ask(page, 'backend')).toBe('js')
    const warning = messages.find((text) => text.startsWith('SCALOSS_JS_FALLBACK'))
    expect(warning).toMatch(/backend 'wasm': the module cannot be loaded: .*Content Security Policy/)
    expect((await ask(page, 'backends')).wasm).toMatchObject({ available: false, reason: 'no-wasm' })
  })
})
