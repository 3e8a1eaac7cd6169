/** The number that an option gives. @param {string} option @param {string} given */
export function countOf(option, given) {
  const count = Number(given)
  if (Number.isInteger(count) && count >= 1) return count
  throw new Error(`--${option}: expected a whole number from 1, got ${JSON.stringify(given)}`)
}
