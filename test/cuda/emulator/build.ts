import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Builds the addon with the emulated CUDA runtime, apart from the real one, to where SCALOSS_PREBUILD finds it. */
export default function build(): void {
  const root = join(__dirname, '../../..')
  const arguments_ = ['compile', '-O', 'build/emulator/build', '--CDSCALOSS_CUDA=EMULATED', '--CDSCALOSS_WERROR=ON']
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/cmake-js/bin/cmake-js'), ...arguments_], { cwd: root })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: Buffer; stderr: Buffer }
    throw new Error(`the emulated addon does not build:\n${stdout}${stderr}`)
  }
}
