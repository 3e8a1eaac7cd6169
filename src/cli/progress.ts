import type { Io } from './usage.js'

/** Milliseconds between two lines: a terminal is slower than the work. */
const INTERVAL = 100

/** A line on a terminal's stderr that says how far a long command is, written over again and again. Nothing is written where
 * stderr is no terminal: logs and pipes get results and errors alone. */
export class Progress {
  readonly #stderr: Io['stderr']
  #next = 0
  #shown = false

  constructor(io: Io) {
    this.#stderr = io.stderr
  }

  /** Shows the text, which must be shorter than a line, unless another one was shown a moment ago. */
  show(text: string): void {
    if (this.#stderr.isTTY !== true || performance.now() < this.#next) return
    this.#next = performance.now() + INTERVAL
    this.#shown = true
    this.#stderr.write(`\r\x1b[K${text}`)
  }

  /** Removes the line, before results or an error. */
  clear(): void {
    if (this.#shown) this.#stderr.write('\r\x1b[K')
    this.#shown = false
    this.#next = 0
  }
}

/** Runs long work with a progress line, which is gone afterwards, whatever comes of the work. */
export function withProgress<T>(io: Io, work: (progress: Progress) => T): T {
  const progress = new Progress(io)
  try {
    return work(progress)
  } finally {
    progress.clear()
  }
}
