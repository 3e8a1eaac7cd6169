import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The version in package.json, which lies two folders up from `src/cli` and `dist/cli` alike. */
export function version(): string {
  return JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')).version
}
