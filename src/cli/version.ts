import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Returns the version in package.json, which lies two folders up from both `src/cli` and `dist/cli`. */
export function version(): string {
  return JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')).version
}
