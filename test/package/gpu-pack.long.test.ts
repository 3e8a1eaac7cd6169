import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../support/project.js'

// The kit for a GPU host (docs/gpu.md), packed and unpacked. A Node of shared libraries cannot be packed.
const packable = process.platform === 'linux' && process.arch === 'x64' && !process.config.variables.node_shared_openssl

describe.runIf(packable)('the kit', () => {
  let folder: string
  const kit = () => join(folder, 'kit')
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'scaloss-kit-'))
    execFileSync(process.execPath, ['scripts/gpu-pack.mjs', kit()], { cwd: ROOT })
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** On a host with the usual programs and no variables. */
  const run = (...stages: string[]) =>
    spawnSync('bash', [join(kit(), 'run.sh'), ...stages], {
      cwd: folder,
      env: { PATH: '/usr/bin:/bin', OUT: join(folder, 'out'), TMPDIR: folder },
      encoding: 'utf8',
    })

  it('is an archive, a script and a manifest, of less than 52 MB', () => {
    expect(readdirSync(kit()).sort()).toEqual(['MANIFEST', 'run.sh', 'scaloss.tar.gz'])
    expect(statSync(join(kit(), 'scaloss.tar.gz')).size).toBeLessThan(52e6)
    expect(readFileSync(join(kit(), 'MANIFEST'), 'utf8')).toMatch(
      /^commit [0-9a-f]{40}(-dirty)?\nnode v\d+\S+\ndate \S+\nsha256 [0-9a-f]{64}\n$/,
    )
  })

  it('holds what is built, run and tested, and nothing that only this machine needs', () => {
    const files = execFileSync('tar', ['-tzf', join(kit(), 'scaloss.tar.gz')], { encoding: 'utf8' }).split('\n')
    const sources = ['CMakeLists.txt', 'cuda/box_loss.cu', 'test/cuda/gpu/setup.ts', 'test/data/golden.json.gz']
    const built = ['dist/index.js', 'node_modules/vitest/vitest.mjs', 'node_modules/node-api-headers/index.js']
    expect(files).toEqual(
      expect.arrayContaining(['bin/node', ...[...sources, ...built].map((path) => `scaloss/${path}`)]),
    )
    const unwanted = /^scaloss\/(build|\.git|\.gpu-kit|node_modules\/(typescript|@biomejs|cmake-js|lightningcss))\//
    expect(files.filter((path) => unwanted.test(path))).toEqual([])
  })

  it('runs a stage with its own Node, ends with a table, and leaves a log', () => {
    const { status, stdout } = run('info')
    expect(stdout).toMatch(/\nstage +seconds {2}status\ninfo +\d+ {2}ok\n/)
    expect(status).toBe(0)
    const log = readFileSync(join(folder, 'out/build.log'), 'utf8')
    expect(log).toMatch(new RegExp(`--- node: ${folder}/scaloss-gpu-\\w+/bin/node\n${process.version}\n`))
  })

  it('has all that its suites of the CPU import', () => {
    const [unpacked = ''] = readdirSync(folder).filter((name) => name.startsWith('scaloss-gpu-'))
    const tree = join(folder, unpacked, 'scaloss')
    const [, names = ''] =
      /\ncpu_suites=\(([^)]+)\)/.exec(readFileSync(join(tree, 'scripts/gpu-kit/stages.sh'), 'utf8')) ?? []
    const rooms = names.split(/\s+/)
    const suites = rooms.flatMap((room) =>
      readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.test.ts') && !file.endsWith('.long.test.ts'))
        .map((file) => join(room, file)),
    )
    expect(suites.length).toBeGreaterThan(2 * rooms.length)
    const vitest = ['node_modules/vitest/vitest.mjs', 'list', '--json', '--project=package', ...rooms]
    const listed: { file: string }[] = JSON.parse(
      execFileSync(join(folder, unpacked, 'bin/node'), vitest, {
        cwd: tree,
        env: { PATH: '/usr/bin:/bin', SCALOSS_PREBUILD: ROOT },
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      }),
    )
    expect([...new Set(listed.map(({ file }) => relative(tree, file)))].sort()).toEqual(suites.sort())
  })

  it('refuses a stage that there is not', () => {
    const { status, stderr } = run('info', 'deploy')
    expect(stderr).toContain('no stage deploy; there are: info build test sanitize bench profile')
    expect(status).toBe(2)
  })

  it('refuses an archive that is not the one it was made with', () => {
    execFileSync('bash', ['-c', 'echo >> kit/scaloss.tar.gz; rm -r scaloss-gpu-*'], { cwd: folder })
    expect(run('info').status).toBe(1)
  })
})
