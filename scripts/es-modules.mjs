// The last step of npm run build:ts, after tsc has compiled the sources to CommonJS in dist/ and to ES modules in
// dist/esm/. Node runs the former; bundlers and browsers take the latter.
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const esm = join(import.meta.dirname, '../dist/esm')
renameSync(join(esm, 'native/here.mjs'), join(esm, 'native/here.js'))
writeFileSync(join(esm, 'package.json'), `${JSON.stringify({ type: 'module', sideEffects: false })}\n`)
