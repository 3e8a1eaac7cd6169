import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run'],
  // Nothing but the page may cause traffic; and no name can be resolved, so that it works offline or fails here.
  ...['--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  '--host-resolver-rules=MAP * ~NOTFOUND',
]

/** Debian's chromium, which `.ci/run` installs. */
export const hasBrowser = spawnSync('chromium', ['--version']).status === 0

/**
 * Runs `measure`, the text of a function of a frame's window, on a page shown so many pixels wide, and returns its
 * result. The frame is as wide as asked for, where a browser's window has a least width.
 */
export function measureInBrowser<T>(page: string, width: number, measure: string): T {
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-browser-'))
  try {
    const file = join(folder, 'frame.html')
    const text = JSON.stringify(page).replaceAll('</', '<\\/')
    writeFileSync(
      file,
      `<!doctype html><meta charset="utf-8"><iframe style="border:0;width:${width}px;height:800px"></iframe><script id="out"></script><script>
const frame = document.querySelector('iframe')
// The browser prints the page when that has loaded, for which it waits until this is done.
frame.onload = () => {
  document.getElementById('out').textContent = encodeURIComponent(JSON.stringify((${measure})(frame.contentWindow)))
}
frame.srcdoc = ${text}
</script>`,
    )
    const argv = [...FLAGS, `--user-data-dir=${join(folder, 'profile')}`, '--dump-dom']
    const { stdout, stderr } = spawnSync('chromium', [...argv, pathToFileURL(file).href], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      timeout: 60_000,
    })
    const [, result] = /<script id="out">([^<]+)<\/script>/.exec(stdout) ?? []
    if (result === undefined) throw new Error(`the browser gave no result: ${stderr}`)
    return JSON.parse(decodeURIComponent(result))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
