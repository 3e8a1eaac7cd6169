// The page of the package on npm shows README.md without the files that it links to, so while npm packs or publishes,
// relative links and pictures become URLs of the published files. package.json calls this:
//   prepack                  node scripts/readme-for-npm.mjs
//   postpack, postpublish    node scripts/readme-for-npm.mjs --undo
// npm runs neither of the last two after a build or an upload that failed: then call the second line by hand.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const file = join(root, 'README.md')
const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const base = `https://unpkg.com/${name}@${version}/`

/** @param {string} page */
const toUrls = (page) => page.replace(/(\]\(|<img src=")(?![a-z]+:|#)/g, (start) => start + base)

/** @param {string} page */
const toPaths = (page) => page.replaceAll(base, '')

const { npm_command: command = '', npm_lifecycle_event: event } = process.env
const undo = process.argv.includes('--undo')
// A publish reads README.md once more after postpack, for the page on npm. Its own last step is postpublish.
const isTooEarly = event === 'postpack' && ['publish', 'stage'].includes(command)
if (!isTooEarly) writeFileSync(file, (undo ? toPaths : toUrls)(readFileSync(file, 'utf8')))
