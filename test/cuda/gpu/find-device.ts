import type { TestProject } from 'vitest/node'
import { backends } from '../../../src/index.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Why there is none; empty if there is one. */
    noDevice: string
  }
}

/**
 * Looks once for a device. One that CUDA cannot use is no reason to skip a test, nor is none where the host says that
 * there is one (SCALOSS_GPU=required): tests run then, and fail.
 */
export default function findDevice({ provide }: TestProject): void {
  const { cuda } = backends()
  const absent = !cuda.available && ['no-driver', 'no-device', 'not-built'].includes(cuda.reason)
  const noDevice = absent && process.env.SCALOSS_GPU !== 'required' ? `no device (${cuda.reason})` : ''
  provide('noDevice', noDevice)
  if (noDevice) console.log(`GPU: every test is skipped: ${noDevice}`)
}
