import { readFileSync } from 'node:fs'

/**
 * @typedef {object} Description What a kernel is for; kernel, pass and dtype name it in docs/kernels.md.
 * @property {string} kernel
 * @property {string} pass
 * @property {string} dtype Of the boxes in memory.
 * @property {string} template The name of its function.
 * @property {number | undefined} axes If it reads boxes.
 * @property {number} rank Its place in a list.
 */

/** Name, type and axes of every loss. */
export const LOSSES = [
  ...readFileSync(new URL('../../core/losses.h', import.meta.url), 'utf8').matchAll(/ROW\((\w+), (\w+)Loss, (\d)\)/g),
].map(([, name, type, axes]) => ({ name, type, axes: Number(axes) }))

/** Narrowest first: a kernel of 16-bit boxes computes in float32. */
const DTYPES = new Map([
  ['Float16', 'float16'],
  ['BFloat16', 'bfloat16'],
  ['float', 'float32'],
  ['double', 'float64'],
])
const PASSES = new Map([
  ['(Pass)0', 'loss'],
  ['(Pass)1', 'loss and gradient'],
])

/** Splits at the commas outside of brackets. */
const split = (/** @type {string} */ list) =>
  list.split(/, (?![^<]*>)/).map((part) => part.replace(/^FamilyLoss<(\w+)Terms>$/, '$1Loss'))

/**
 * What a kernel is for, by the arguments of its template wherever they stand; those that say nothing here are kept in
 * the name.
 * @param {string} demangled As c++filt gives it.
 * @returns {Description}
 */
export function describe(demangled) {
  const signature = demangled.replaceAll('scaloss::', '').replaceAll(' >', '>')
  const [, template = signature, list = ''] = /^(?:void )?(\w+)(?:<(.*)>)?\(/.exec(signature) ?? []
  const taken = split(list).filter((argument) => argument !== '')
  const take = (/** @type {(argument: string) => boolean} */ wanted) => {
    const at = taken.findIndex(wanted)
    return at < 0 ? undefined : taken.splice(at, 1)[0]
  }
  const type = take((argument) => /^\w+Loss$/.test(argument))?.slice(0, -'Loss'.length)
  const pass = PASSES.get(take((argument) => PASSES.has(argument)) ?? '')
  const axes = take((argument) => /^[23]$/.test(argument))
  const dtypes = [...DTYPES].filter(([cpp]) => take((argument) => argument === cpp)).map(([, dtype]) => dtype)

  const count = Number(axes ?? 2)
  const index = LOSSES.findIndex((loss) => loss.type === type && loss.axes === count)
  const any = `any loss of ${count === 2 ? 'two' : 'three'} axes`
  const loss = index < 0 ? any : `\`${LOSSES[index].name}\``
  const isBoxLoss = ['box_loss_kernel', 'one_row_kernel'].includes(template)
  const isPairwise = template === 'pairwise_kernel'
  const prefix = isBoxLoss ? [] : [isPairwise ? 'pairwise' : `\`${template}\``]
  const readsBoxes = isBoxLoss || axes !== undefined
  return {
    kernel: [...prefix, ...(readsBoxes ? [loss] : []), ...taken.map((argument) => `\`${argument}\``)].join(', '),
    pass: pass ?? (isPairwise ? 'loss' : isBoxLoss ? 'loss and gradient' : ''),
    dtype: dtypes[0] ?? (isBoxLoss ? 'float32' : ''),
    template,
    axes: readsBoxes ? count : undefined,
    rank: isBoxLoss ? (index < 0 ? 100 + count : index) : isPairwise ? 200 + count : 300,
  }
}
