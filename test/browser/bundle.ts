import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { ROOT } from '../support/project.js'

/** Takes the entries of the package from where a bundler finds them for a user, and not from the sources. */
const asInstalled: Plugin = {
  name: 'scaloss',
  setup: ({ onResolve, resolve }) => {
    onResolve({ filter: /\/src\/\w+\.js$/ }, ({ path }) => {
      const [, entry] = /(\w+)\.js$/.exec(path)!
      const name = entry === 'index' ? 'scaloss' : `scaloss/${entry}`
      return resolve(name, { kind: 'import-statement', resolveDir: ROOT })
    })
  },
}

/** Bundles a program of this folder for browsers, as one script. */
export async function bundle(name: string): Promise<string> {
  const { outputFiles, metafile } = await build({
    ...{ entryPoints: [join(__dirname, name)], bundle: true, format: 'iife', write: false, metafile: true },
    ...{ plugins: [asInstalled], logLevel: 'error', absWorkingDir: ROOT },
  })
  // The sources would be another copy of the package.
  const wrong = Object.keys(metafile.inputs).filter((file) => /^(src\/(?:\w+|calls\/.*)\.ts|dist\/(?!esm))/.test(file))
  if (wrong.length > 0) throw new Error(`expected the ES modules of the package, got ${wrong}`)
  return outputFiles[0]!.text
}
