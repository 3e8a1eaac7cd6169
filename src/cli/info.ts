import { backends } from '../native/backends.js'
import { type Io, parseOptions } from './usage.js'
import { version } from './version.js'

export const INFO_HELP = `Usage: scaloss info [--json]

Lists each backend with its details, or with the reason why it cannot run here.

  --json   print the same as JSON
`

/** Formats the details of one backend, whatever its fields are, as lines of `name  value`. Lists and objects are
 * indented below. */
function detailLines(details: object, indent: string): string[] {
  const entries = Object.entries(details).filter(([, value]) => value !== undefined)
  const width = Math.max(0, ...entries.map(([name]) => name.length))
  return entries.flatMap(([name, value]) => {
    if (typeof value !== 'object' || value === null) return [`${indent}${name.padEnd(width)}  ${value}`]
    if (Array.isArray(value) && value.every((item) => typeof item !== 'object'))
      return [`${indent}${name.padEnd(width)}  ${value.join(', ') || 'none'}`]
    return [`${indent}${name}`, ...detailLines(value, `${indent}  `)]
  })
}

/** The content of `info`. The other fields of a backend are its details. */
export interface InfoReport {
  version: string
  node: string
  platform: string
  arch: string
  backends: Record<string, { available: boolean; reason?: string; message?: string }>
}

/** Formats the report as text, one block per backend. Lines end in newlines. */
export function formatInfo({ version, node, platform, arch, backends }: InfoReport): string {
  const lines = [`scaloss ${version}, Node.js ${node}, ${platform} ${arch}`]
  for (const [name, { available, reason, message, ...details }] of Object.entries(backends)) {
    lines.push('', `${name.padEnd(4)}  ${available ? 'available' : `not available: ${reason ?? 'no reason given'}`}`)
    if (message !== undefined) lines.push(...message.split('\n').map((line) => `      ${line}`))
    lines.push(...detailLines(details, '      '))
  }
  return lines.map((line) => `${line}\n`).join('')
}

/** Runs `scaloss info`: prints the package and Node versions and `backends()`, as text or JSON. The exit code is 0
 * whatever is available. */
export function info(args: readonly string[], io: Io): void {
  const { json } = parseOptions(args, { json: { type: 'boolean', default: false } })
  const report = {
    version: version(),
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    backends: { ...backends() },
  }
  io.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : formatInfo(report))
}
