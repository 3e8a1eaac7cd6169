import { join } from 'node:path'
import { run } from '../../src/cli/main.js'

/** Hand-made ground truth and detections, small enough to work out by hand. */
export const SAMPLE = join(__dirname, '..', 'data', 'coco-sample')

/** Runs the command line in this process. */
export function scaloss(...argv: string[]) {
  let stdout = ''
  let stderr = ''
  const code = run(argv, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  })
  return { code, stdout, stderr }
}

/** The options that name the two files of a sample. */
export const files = (folder: string) => [
  '--ground-truth',
  join(folder, 'instances.json'),
  '--detections',
  join(folder, 'detections.json'),
]
