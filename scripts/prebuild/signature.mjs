// The signature of a Mach-O file, without which macOS on arm64 loads no code: an ad-hoc signature holds a hash of each
// page of the file, and no name of anybody. No tool on Linux that a distribution packages checks it.
import { createHash } from 'node:crypto'

const LC_CODE_SIGNATURE = 0x1d
const CODE_DIRECTORY = 0xfade0c02
const AD_HOC = 0x2
const SHA256 = 2

/** Returns where the load command of the signature says that it lies. @param {Buffer} file */
function placeOf(file) {
  let at = 32
  for (let commands = file.readUInt32LE(16); commands > 0; commands--) {
    if (file.readUInt32LE(at) === LC_CODE_SIGNATURE) return file.readUInt32LE(at + 8)
    at += file.readUInt32LE(at + 4)
  }
  return undefined
}

/** Returns the part of the signature that holds the hashes. @param {Buffer} signature */
function codeDirectoryOf(signature) {
  for (let i = 0; i < signature.readUInt32BE(8); i++) {
    const directory = signature.subarray(signature.readUInt32BE(12 + 8 * i + 4))
    if (directory.readUInt32BE(0) === CODE_DIRECTORY) return directory
  }
  return undefined
}

/** @param {Buffer} file @returns {string[]} what is wrong with its signature */
export function wrongWithSignature(file) {
  const place = placeOf(file)
  const directory = place && codeDirectoryOf(file.subarray(place))
  if (!directory) return ['has no signature']
  const [flags = 0, hashes = 0, , , pages = 0, limit = 0] = [12, 16, 20, 24, 28, 32].map((at) =>
    directory.readUInt32BE(at),
  )
  const [hashType, pageSize] = [directory.readUInt8(37), 2 ** directory.readUInt8(39)]
  const problems = []
  if (!(flags & AD_HOC)) problems.push('its signature is not ad hoc')
  if (hashType !== SHA256) return [...problems, `its signature has hashes of type ${hashType}, SHA-256 expected`]
  if (limit !== place || pages !== Math.ceil(limit / pageSize))
    problems.push(`its signature is for ${pages} pages of ${limit} bytes, ${place} bytes expected`)
  for (let page = 0; page < pages; page++) {
    const bytes = file.subarray(page * pageSize, Math.min((page + 1) * pageSize, limit))
    const signed = directory.subarray(hashes + 32 * page, hashes + 32 * (page + 1))
    if (!createHash('sha256').update(bytes).digest().equals(signed))
      problems.push(`page ${page} is not what was signed`)
  }
  return problems
}
