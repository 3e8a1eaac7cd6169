import { fileSystem, reading, readJson } from './json.js'

/** The number of bytes that are read and parsed at a time. */
const CHUNK = 1 << 18

const code = (character: string) => character.charCodeAt(0)
const [QUOTE, BACKSLASH, COMMA] = [code('"'), code('\\'), code(',')]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [code('['), code(']'), code('{'), code('}')]
const SPACES = [...' \t\r\n'].map(code)

/** Cuts the text of a JSON array between its items, so that `JSON.parse` can read some of them at a time. It only
 * tracks strings, commas and brackets: the text between two cuts is valid if JSON.parse accepts it. It can work on
 * bytes, because in UTF-8 a byte below 0x80 is always a character by itself. */
class Cutter {
  #depth = 0
  #inString = false
  #escaped = false
  #ended = false
  /** The text since the last cut, from earlier chunks. */
  #pending: Buffer[] = []
  #first = true

  get ended(): boolean {
    return this.#ended
  }

  /** Returns the items that this chunk completes. Throws if the text is not an array. */
  add(bytes: Buffer): unknown[] {
    let start = 0
    let cut = -1
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === BACKSLASH) this.#escaped = true
        else if (byte === QUOTE) this.#inString = false
      } else if (this.#depth === 0) {
        if (SPACES.includes(byte)) continue
        if (byte !== OPEN_ARRAY || this.#ended) throw new SyntaxError('not an array')
        this.#depth = 1
        start = i + 1
      } else if (byte === QUOTE) {
        this.#inString = true
      } else if (byte === COMMA) {
        if (this.#depth === 1) cut = i
      } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
        this.#depth++
      } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
        this.#depth--
        if (this.#depth > 0) continue
        if (byte !== CLOSE_ARRAY) throw new SyntaxError('not an array')
        this.#ended = true
        cut = i
      }
    }
    if (cut < 0) {
      // The bytes are copied, because the buffer is reused for the next chunk.
      if (this.#depth > 0) this.#pending.push(Buffer.from(bytes.subarray(start)))
      return []
    }
    const items = this.#parse(bytes.subarray(start, cut))
    this.#pending = this.#ended ? [] : [Buffer.from(bytes.subarray(cut + 1))]
    return items
  }

  #parse(bytes: Buffer): unknown[] {
    const items: unknown[] = JSON.parse(`[${Buffer.concat([...this.#pending, bytes])}]`)
    // An item is missing before a comma or after the last one. Only an array without items may be empty here.
    if (items.length === 0 && !(this.#ended && this.#first)) throw new SyntaxError('an item is missing')
    this.#first = false
    return items
  }
}

/** The byte order mark of UTF-8, which some programs put at the start of a file. */
const MARK = Uint8Array.of(0xef, 0xbb, 0xbf)

function* cutFile(path: string, file: number, chunk: number): Generator<unknown[]> {
  const { readSync } = fileSystem()
  const cutter = new Cutter()
  const buffer = Buffer.allocUnsafe(Math.max(chunk, MARK.length))
  const readAt = (position: number, most: number) =>
    buffer.subarray(
      0,
      reading(path, () => readSync(file, buffer, 0, most, position)),
    )
  let position = readAt(0, MARK.length).equals(MARK) ? MARK.length : 0
  for (;;) {
    const bytes = readAt(position, chunk)
    if (bytes.length === 0) break
    position += bytes.length
    yield cutter.add(bytes)
  }
  if (!cutter.ended) throw new SyntaxError('the array does not end')
}

/** Yields the items of a JSON file (UTF-8) that holds an array, some at a time, so that neither the text nor its
 * content is ever in memory as a whole. `otherwise` throws the error for a file that holds something else. Errors of
 * files are those of `readJson`. */
export function* readItems(
  path: string,
  otherwise: (value: unknown) => never,
  chunk = CHUNK,
): Generator<unknown[], void, void> {
  const { closeSync, fstatSync, openSync } = fileSystem()
  const file = reading(path, () => openSync(path, 'r'))
  try {
    if (fstatSync(file).isFile()) {
      yield* cutFile(path, file, chunk)
    } else {
      // A pipe is read as a whole, because it could not be read again to find the place of an error.
      const value = readJson(path, file)
      yield Array.isArray(value) ? value : otherwise(value)
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // Reading the file as a whole finds the place of the error.
    otherwise(readJson(path))
  } finally {
    closeSync(file)
  }
}
