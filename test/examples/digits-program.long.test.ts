import { execFile, fork } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize } from 'node:v8'
import { decode } from 'fast-png'
import { describe, expect, it } from 'vitest'
import type { Checkpoint } from '../../examples/digits/checkpoint.mjs'
import { ROOT } from '../support/project.js'

// The program of the digits example, as a user starts and stops it. Takes about 6 s.

const temporary = () => mkdtempSync(join(tmpdir(), 'scaloss-digits-'))
const readState = (path: string): Checkpoint => deserialize(readFileSync(path))

describe('npm run train', { timeout: 60_000 }, () => {
  const file = join(ROOT, 'examples/digits/train.mjs')
  const tiny = ['--steps', '40', '--batch', '2', '--held-out', '20']
  const run = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, [file, ...args], { cwd: ROOT }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      )
    })

  it('Ctrl-C stops it, the same command goes on, and at the end there are scores and a picture', async () => {
    const out = temporary()
    const child = fork(file, [...tiny, '--out', out], { silent: true })
    let stopped = 0
    child.on('message', ({ step }: { step: number }) => {
      stopped = step
      if (step === 3) child.kill('SIGINT')
    })
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(130)
    expect(readState(join(out, 'checkpoint.bin')).optimizer.step).toBe(stopped)
    expect(stopped).toBeLessThan(40)

    const { code, stdout } = await run(...tiny, '--out', out)
    expect(code).toBe(0)
    expect(stdout).toMatch(/mAP +AP50 +AP65 +AP75 +AP80 +AP90\n( +\d+\.\d){6}/)
    expect(JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')).settings.loss).toBe('sca')
    const sheet = readFileSync(join(out, 'sheet.svg'), 'utf8')
    const canvases = [...sheet.matchAll(/href="data:image\/png;base64,([^"]+)"/g)].map(([, png]) =>
      decode(Buffer.from(png!, 'base64')),
    )
    expect(canvases).toHaveLength(15)
    for (const { data } of canvases) expect(new Set(data).size).toBeGreaterThan(8)
    // A box and a digit for each that there is to find, at least.
    const boxes = sheet.match(/<rect x=/g) ?? []
    expect(boxes.length).toBeGreaterThanOrEqual(15)
    expect(sheet.match(/<text x="[^>]*>\d</g)).toHaveLength(boxes.length)
  })

  it.each([
    [['--loss', 'scaa'], /--loss scaa: .*expected one of 'sca', 'so', 'cd'/],
    [['--loss', 'iou', '--alpha', '0.4'], /--loss iou: alpha: expected no value/],
    [['--alpha=-1'], /--alpha: expected a positive number, got '-1'/],
    [['--steps', '0.5'], /--steps: expected an integer of at least 1, got '0.5'/],
    [['--step', '5'], /Unknown option '--step'/],
  ])('%j: exit code 2', async (args, message) => {
    const { code, stderr } = await run(...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).toContain('usage: npm run train')
  })
})
