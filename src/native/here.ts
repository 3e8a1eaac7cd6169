/** The file that this code is in: this module, or the bundle that it was merged into. `here.mts` is the same for ES
 * modules. */
export const here: string | undefined = typeof __filename === 'undefined' ? undefined : __filename
