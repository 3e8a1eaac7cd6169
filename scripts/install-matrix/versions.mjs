// The versions that the install matrix installs. They are exact and all from the npm registry. The Node versions are
// the oldest that package.json allows, and the newest of every line.
export const NODES = ['20.5.1', '20.20.2', '22.23.3', '24.21.0', '26.10.0']

export const TOOLS = {
  '@deno/linux-x64-glibc': '2.9.6',
  '@oven/bun-linux-x64': '1.4.5',
  '@rollup/plugin-node-resolve': '16.0.3',
  '@types/node': '20.19.43',
  '@yarnpkg/cli-dist': '4.18.1',
  esbuild: '0.28.2',
  jest: '30.5.2',
  next: '16.4.6',
  pnpm: '10.34.9',
  react: '19.3.1',
  'react-dom': '19.3.1',
  rollup: '4.68.8',
  typescript: '5.9.3',
  vite: '8.4.0',
  vitest: '4.1.12',
  webpack: '5.113.0',
  'webpack-cli': '7.3.1',
  workerd: '1.20261117.1',
  yarn: '1.22.22',
}
