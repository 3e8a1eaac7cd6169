import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

/** Debian's chromium, which `.ci/run` installs. */
const EXECUTABLE = '/usr/bin/chromium'
export const hasBrowser = existsSync(EXECUTABLE)

const FLAGS = [
  ...['--no-sandbox', '--no-first-run'],
  // Nothing but the page may cause traffic; and no name can be resolved, so that it works offline or fails here.
  ...['--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  '--host-resolver-rules=MAP * ~NOTFOUND',
]
/** What WebGL and WebGPU need on a machine without a GPU. */
export const SOFTWARE_GPU = [
  ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan,WebGPU'],
  ...['--use-vulkan=swiftshader', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
]

export const launch = (flags: readonly string[] = ['--disable-gpu']): Promise<Browser> =>
  chromium.launch({ executablePath: EXECUTABLE, args: [...FLAGS, ...flags] })

/** Opens a page of its own origin. Below `/files/` it has the files of a folder. */
export async function openPage(browser: Browser, folder: string, headers: Record<string, string> = {}): Promise<Page> {
  const page = await browser.newPage()
  await page.route('**/*', (route) => {
    const [, file] = /\/files\/(.*)$/.exec(route.request().url()) ?? []
    if (file === undefined) return route.fulfill({ contentType: 'text/html', body: '<!doctype html>', headers })
    const contentType = file.endsWith('.wasm') ? 'application/wasm' : 'text/javascript'
    return route.fulfill({ contentType, body: readFileSync(join(folder, file)) })
  })
  await page.goto('http://localhost/')
  return page
}

/** Runs `measure`, the text of a function of a page's window, on a page shown so many pixels wide, and returns its
 * result. */
export async function measureInBrowser<T>(html: string, width: number, measure: string): Promise<T> {
  const browser = await launch()
  try {
    const page = await browser.newPage({ viewport: { width, height: 800 } })
    await page.setContent(html)
    return await page.evaluate(`(${measure})(window)`)
  } finally {
    await browser.close()
  }
}
