declare module 'node-gyp-build' {
  const load: {
    /** The path of the addon of the package at `directory`: a local build, else a prebuild for the platform. Throws where there is none. */
    path(directory: string): string
  }
  export default load
}
