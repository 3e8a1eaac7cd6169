import { expect } from 'vitest'
import { ScaLossError } from '../../src/core/errors.js'

/** The argument that a call is refused for, and the whole message; fails if the call is not refused as all are. */
export function rejection(call: () => unknown): { argument: string; message: string } {
  let error: unknown
  try {
    call()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(ScaLossError)
  const { code, message } = error as ScaLossError
  expect(code).toBe('ERR_SCALOSS_INVALID_ARGUMENT')
  expect(message).toMatch(/^[a-zA-Z.]+: expected .+, got .+$/)
  return { argument: message.split(':')[0], message }
}
