import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CANVAS_SIZE, glyphs, makeCanvas } from '../../examples/digits/data.mjs'

// The canvases of the digits example. Takes about 1 s.

const canvases = (split: 'train' | 'held-out', count = 300) =>
  Array.from({ length: count }, (_, index) => makeCanvas(split, 1, index))

describe('digits', () => {
  const contents = (split: 'train' | 'held-out') =>
    glyphs(split).map(({ ink, width }) => createHash('md5').update(`${width}`).update(ink).digest('hex'))

  it('no digit is both trained with and held out', () => {
    const [train, heldOut] = [contents('train'), contents('held-out')]
    expect(train.length + heldOut.length).toBeGreaterThanOrEqual(10_000)
    expect(heldOut.length).toBeGreaterThan(1900)
    const trained = new Set(train)
    expect(heldOut.filter((content) => trained.has(content))).toEqual([])
  })

  it('both parts have all classes', () => {
    for (const split of ['train', 'held-out'] as const)
      expect(new Set(glyphs(split).map(({ digit }) => digit)).size).toBe(10)
  })

  it('are cut to their ink', () => {
    for (const { ink, width, height } of glyphs('held-out')) {
      const columns = (x: number) => Array.from({ length: height }, (_, y) => ink[y * width + x]!)
      const rows = (y: number) => [...ink.subarray(y * width, (y + 1) * width)]
      for (const edge of [columns(0), columns(width - 1), rows(0), rows(height - 1)])
        expect(Math.max(...edge)).toBeGreaterThanOrEqual(0.25)
    }
  })
})

describe('canvases', () => {
  it('have one to four digits, whose boxes lie inside', () => {
    const counts = new Map<number, number>()
    for (const { objects, pixels } of canvases('train')) {
      counts.set(objects.length, (counts.get(objects.length) ?? 0) + 1)
      expect(pixels.length).toBe(CANVAS_SIZE ** 2)
      for (const { box, digit } of objects) {
        const [x1, y1, x2, y2] = box
        expect(Math.min(x1, y1)).toBeGreaterThanOrEqual(0)
        expect(Math.max(x2, y2)).toBeLessThanOrEqual(CANVAS_SIZE)
        expect(x2 - x1).toBeGreaterThanOrEqual(5)
        expect(y2 - y1).toBeGreaterThanOrEqual(14)
        expect(y2 - y1).toBeLessThanOrEqual(34)
        expect(digit).toBeGreaterThanOrEqual(0)
      }
    }
    expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4])
  })

  it('are brighter in the boxes than around them', () => {
    let [inside, insideCount, outside, outsideCount] = [0, 0, 0, 0]
    for (const { objects, pixels } of canvases('train', 50))
      pixels.forEach((value, at) => {
        const [x, y] = [(at % CANVAS_SIZE) + 0.5, Math.floor(at / CANVAS_SIZE) + 0.5]
        if (objects.some(({ box: [x1, y1, x2, y2] }) => x > x1 && x < x2 && y > y1 && y < y2)) {
          inside += value
          insideCount++
        } else {
          outside += value
          outsideCount++
        }
      })
    expect(inside / insideCount).toBeGreaterThan(0.2)
    expect(outside / outsideCount).toBeLessThan(0.1)
  })

  it('depend on the part, the seed and the index alone', () => {
    const again = makeCanvas('train', 3, 7)
    expect(makeCanvas('train', 3, 7)).toEqual(again)
    for (const other of [makeCanvas('held-out', 3, 7), makeCanvas('train', 4, 7), makeCanvas('train', 3, 8)])
      expect(other.objects).not.toEqual(again.objects)
  })
})
