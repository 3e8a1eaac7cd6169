import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Builds dist/ once, before the tests that run the package as a user does; several at a time would get in each other's way. */
export default function build(): void {
  execFileSync('npm', ['run', '--silent', 'build:ts'], { cwd: join(__dirname, '../..'), stdio: 'inherit' })
}
