import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export const ROOT = join(__dirname, '../..')

/** Copies the built package without its addon into a folder. */
export function copyPackage(to: string): void {
  for (const part of ['package.json', 'dist', 'node_modules/node-gyp-build'])
    cpSync(join(ROOT, part), join(to, part), { recursive: true, dereference: true })
}

/** What people read. */
export const DOCUMENTS = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...[
    'bench/paper/README.md',
    'examples/digits/README.md',
    'test/README.md',
    'test/data/README.md',
    'test/cuda/emulator/README.md',
  ],
]

/** A user's project that depends on this package and on `dependencies`, which are taken from this one's. */
export function makeProject(dependencies: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-'))
  const link = (name: string, from: string) => {
    const path = join(folder, 'node_modules', name)
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync(from, path)
  }
  link('scaloss', ROOT)
  for (const name of dependencies) link(name, join(ROOT, 'node_modules', name))
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text)
  write('package.json', '{}')
  /** Runs Node and returns what it prints. */
  const run = (...args: string[]) =>
    execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  return {
    folder,
    write,
    run,
    /** What the compiler says of a file, in strict mode. */
    check: (file: string, ...options: string[]) => {
      const target = ['--module', 'node16', '--moduleResolution', 'node16', '--target', 'es2022', '--ignoreConfig']
      return run(join(ROOT, 'node_modules/typescript/bin/tsc'), '--strict', '--noEmit', ...target, ...options, file)
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}

/** The code blocks of a page. */
export const codeBlocks = (page: string, language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block]) => block!)

/** What the comments of an example say that it prints. */
export const saidToPrint = (example: string): string[] =>
  [...example.matchAll(/\/\/ => (.*)/g)].map(([, printed]) => printed!)
