import { beforeEach } from 'vitest'
import { backends } from '../../src/index.js'

// Without a device every test is skipped. Where there is one that CUDA cannot use, or the host says that there is one
// (SCALOSS_GPU=required), tests run, and fail.
const { cuda } = backends()
if (!cuda.available && ['no-driver', 'no-device', 'not-built'].includes(cuda.reason)) {
  if (process.env.SCALOSS_GPU !== 'required') beforeEach(({ skip }) => skip(`no device: ${cuda.reason}`))
}
