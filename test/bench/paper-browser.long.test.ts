import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { reportOf } from '../../bench/paper/report.mjs'
import { hasBrowser, measureInBrowser } from '../support/browser.js'
import { ROOT } from '../support/project.js'

// The report of the committed results of the experiments, as a browser shows it without a network. These tests are
// skipped without the chromium of Debian, which .ci/run has.

const page = reportOf(join(ROOT, 'bench/paper/results'))

interface Layout {
  width: number
  scrollWidth: number
  /** Elements that reach beyond the page, those in an area that scrolls apart. */
  beyond: string[]
  pictures: { alt: string; natural: number; width: number }[]
  loaded: string[]
  smallestLetters: number
}

const layout = `(window) => {
  const { document } = window
  const root = document.documentElement
  const elements = [...document.body.querySelectorAll('*')].filter((one) => !one.parentElement.closest('.scroll'))
  return {
    width: window.innerWidth,
    scrollWidth: root.scrollWidth,
    beyond: elements.filter((one) => one.getBoundingClientRect().right > root.clientWidth + 0.5).map((one) => one.outerHTML.slice(0, 80)),
    pictures: [...document.images].map((image) => ({ alt: image.alt, natural: image.naturalWidth, width: image.width })),
    loaded: window.performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => !name.startsWith('data:')),
    smallestLetters: Math.min(...elements.map((one) => parseFloat(window.getComputedStyle(one).fontSize))),
  }
}`

/**
 * What is wrong with the letters of each picture, its text taken as a part of the page: outside of it, or one over the
 * other.
 */
const letters = `(window) => {
  const { document } = window
  const wrong = []
  let seen = 0
  for (const image of [...document.images]) {
    const box = document.createElement('div')
    box.innerHTML = new TextDecoder().decode(Uint8Array.from(atob(image.src.split(',')[1]), (c) => c.charCodeAt(0)))
    document.body.append(box)
    const frame = box.querySelector('svg').getBoundingClientRect()
    const visible = (text) => text.textContent.trim() !== '' && window.getComputedStyle(text).opacity !== '0'
    const texts = [...box.querySelectorAll('text')].filter(visible).map((text) => [text.textContent, text.getBoundingClientRect()])
    seen += texts.length
    texts.forEach(([text, at], i) => {
      if (at.left < frame.left - 1 || at.right > frame.right + 1 || at.top < frame.top - 1 || at.bottom > frame.bottom + 1)
        wrong.push(image.alt + ': outside: ' + text)
      for (const [other, by] of texts.slice(0, i)) {
        const across = Math.min(at.right, by.right) - Math.max(at.left, by.left)
        const down = Math.min(at.bottom, by.bottom) - Math.max(at.top, by.top)
        if (across > 2 && down > 4) wrong.push(image.alt + ': ' + text + ' over ' + other)
      }
    })
    box.remove()
  }
  return { seen, wrong }
}`

describe.skipIf(!hasBrowser)('the report in a browser', { timeout: 60_000 }, () => {
  test.each([
    ['a phone', 360],
    ['a desktop', 1280],
  ])('%s: fits its width, shows every picture, loads nothing', async (_, width) => {
    const shown = await measureInBrowser<Layout>(page, width, layout)
    expect(shown.width).toBe(width)
    expect(shown.beyond).toEqual([])
    expect(shown.scrollWidth).toBeLessThanOrEqual(width)
    expect(shown.pictures.length).toBeGreaterThan(20)
    for (const { alt, natural, width: drawn } of shown.pictures) {
      expect(natural, alt).toBeGreaterThan(0)
      expect(drawn, alt).toBeGreaterThan(300)
    }
    expect(shown.loaded).toEqual([])
    expect(shown.smallestLetters).toBeGreaterThanOrEqual(12)
  })

  test('the letters of the pictures lie within them and apart', async () => {
    const { seen, wrong } = await measureInBrowser<{ seen: number; wrong: string[] }>(page, 1280, letters)
    expect(seen).toBeGreaterThan(300)
    expect(wrong).toEqual([])
  })
})
