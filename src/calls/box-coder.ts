import { checkOneOf } from '../arguments/checks.js'
import { coderParams } from '../arguments/coder.js'
import { prepareDecode, prepareEncode } from '../arguments/head-job.js'
import { optionsOf } from '../arguments/options.js'
import { CODER_PRESETS, type CoderPreset } from '../core/coder-presets.js'
import { CODER_KINDS, CODERS, type CoderKind, type CoderOptions, type CoderParams, rawColumns } from '../core/coders.js'
import type { BackendName, FloatArray, SameDType } from '../core/types.js'
import { encodeBoxes } from '../reference/encode.js'
import { runHead } from './run.js'

/** Options of `coder.decode`. */
export interface DecodeOptions<A extends FloatArray = FloatArray> {
  /** The backend to use. Default `'auto'`, as for `headLoss`. */
  backend?: BackendName | 'auto' | undefined
  /** An [N, 4] array to write the boxes to, in the dtype of `raw`. */
  out?: A | undefined
}
/** Options of `coder.encode`. */
export interface EncodeOptions<A extends FloatArray = FloatArray> {
  /** An [N, 4] array to write the raw numbers to, in the dtype of `boxes`. */
  out?: A | undefined
}

const DECODE_OPTIONS = ['backend', 'out'] as const satisfies (keyof DecodeOptions)[]

/** What the raw numbers of a detection head mean: how they become boxes. Made by `boxCoder`. It cannot be changed. */
export class BoxCoder {
  /** The kind and all options. */
  readonly params: Readonly<CoderParams>

  /** @internal */
  constructor(params: CoderParams) {
    this.params = Object.freeze(params)
    Object.freeze(this)
  }

  /** The kind of the coder. */
  get kind(): CoderKind {
    return this.params.kind
  }

  /** How many raw numbers a row has: 4, or 4 · bins with `dfl`. */
  get columns(): number {
    return rawColumns(this.params)
  }

  /** How many numbers a prior has. docs/heads.md says what they are. */
  get priorColumns(): number {
    return CODERS[this.params.kind].prior.length
  }

  /**
   * Decodes raw numbers to boxes.
   *
   * @param raw [N, columns] numbers of the network, in a Float32Array or Float64Array.
   * @param prior [N, priorColumns] numbers in the dtype of `raw`, or [A, priorColumns] with N a multiple of A: the
   *   priors of one image, for each image of a batch. `detr` can do without.
   * @returns [N, 4] boxes x1, y1, x2, y2 in the dtype of `raw`. They are NaN for rows that are not finite. Numbers that
   *   leave the range of boxes (docs/heads.md) are kept at its end.
   * @throws {ScaLossError} an argument is not as described, or the backend cannot run.
   */
  decode<A extends FloatArray>(raw: A, prior: SameDType<A> | undefined, options: DecodeOptions<SameDType<A>> = {}): A {
    const { backend, out } = optionsOf('options', options, DECODE_OPTIONS)
    const job = prepareDecode(this.params, raw, prior, out, backend)
    runHead(job)
    return job.boxes as A
  }

  /**
   * Encodes boxes to the raw numbers that decode to them, for losses on raw numbers. Clamps are not applied. Numbers
   * that no raw number reaches are ±Infinity, or 0 with the activation `relu`. It computes in plain JavaScript.
   *
   * @param boxes [N, 4] boxes x1, y1, x2, y2, in a Float32Array or Float64Array.
   * @param prior [N, priorColumns] or [A, priorColumns] numbers, as for `decode`.
   * @returns [N, 4] raw numbers in the dtype of `boxes`.
   * @throws {ScaLossError} an argument is not as described, or the coder is `dfl`, which has no inverse.
   */
  encode<A extends FloatArray>(
    boxes: A,
    prior: SameDType<A> | undefined,
    options: EncodeOptions<SameDType<A>> = {},
  ): A {
    const { out } = optionsOf('options', options, ['out'])
    const raw = prepareEncode(this.params, boxes, prior, out)
    encodeBoxes(this.params, boxes, prior, raw)
    return raw as A
  }
}

/**
 * Describes how a detection head parametrises its boxes.
 *
 * @param kind what the raw numbers are, or the name of a preset. docs/heads.md has the formula of each kind, and the
 *   source of each preset.
 * @param options the options of the kind. They replace those of the preset.
 * @throws {ScaLossError} an option is not as described, or is one of another kind.
 */
export function boxCoder(kind: CoderKind | CoderPreset, options: CoderOptions = {}): BoxCoder {
  checkOneOf('kind', kind, [...CODER_KINDS, ...PRESET_NAMES])
  const preset = Object.hasOwn(CODER_PRESETS, kind) ? CODER_PRESETS[kind as CoderPreset] : undefined
  return new BoxCoder(coderParams(preset?.kind ?? (kind as CoderKind), options, preset?.options))
}

const PRESET_NAMES = Object.keys(CODER_PRESETS)
