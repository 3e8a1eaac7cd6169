import type { Io } from './usage.js'

/** The time between two updates in milliseconds, because a terminal is slower than the work. */
const INTERVAL = 100

/** Shows the progress of a long command in one line on stderr, which is overwritten again and again. Nothing is written
 * if stderr is not a terminal, so that logs and pipes get only results and errors. */
export class Progress {
  readonly #stderr: Io['stderr']
  #next = 0
  #shown = false

  constructor(io: Io) {
    this.#stderr = io.stderr
  }

  /** Shows the text, which must be shorter than a line, unless another text was shown a moment ago. */
  show(text: string): void {
    if (this.#stderr.isTTY !== true || performance.now() < this.#next) return
    this.#next = performance.now() + INTERVAL
    this.#shown = true
    this.#stderr.write(`\r\x1b[K${text}`)
  }

  /** Removes the line, before results or an error are written. */
  clear(): void {
    if (this.#shown) this.#stderr.write('\r\x1b[K')
    this.#shown = false
    this.#next = 0
  }
}

/** Runs long work with a progress line, and removes the line even if the work fails. */
export function withProgress<T>(io: Io, work: (progress: Progress) => T): T {
  const progress = new Progress(io)
  try {
    return work(progress)
  } finally {
    progress.clear()
  }
}
