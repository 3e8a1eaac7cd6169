import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Builds dist/ once, before the tests that run the package as a user does; several at a time would get in each other's
 * way. Where there is no compiler (docs/gpu.md), dist/ has come along.
 */
export default function build(): void {
  const root = join(__dirname, '../..')
  if (!existsSync(join(root, 'node_modules/typescript'))) return
  execFileSync('npm', ['run', '--silent', 'build:ts'], { cwd: root, stdio: 'inherit' })
}
