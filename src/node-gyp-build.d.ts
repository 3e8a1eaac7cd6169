declare module 'node-gyp-build' {
  /** Loads the addon of the package at `directory`: a local build, else a fitting prebuild. */
  export default function load(directory: string): unknown
}
