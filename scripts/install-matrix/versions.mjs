// The versions that the install matrix installs. They are exact and all from the npm registry. The Node versions are
// the oldest that package.json allows, and the newest of every line.
export const NODES = ['20.5.1', '20.20.2', '22.23.3', '24.21.0', '26.10.0']

export const TOOLS = {
  '@deno/linux-x64-glibc': '2.9.6',
  '@oven/bun-linux-x64': '1.4.5',
  '@types/node': '20.19.43',
  '@yarnpkg/cli-dist': '4.18.1',
  esbuild: '0.28.2',
  pnpm: '10.34.9',
  typescript: '5.9.3',
  yarn: '1.22.22',
}
