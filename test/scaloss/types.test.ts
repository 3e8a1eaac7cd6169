import { afterAll, expect, it } from 'vitest'
import { makeProject } from '../support/project.js'

// The types as a user's compiler sees them. If an expected error does not come, that is an error too.

const { check, remove, write } = makeProject()
afterAll(remove)

const BOXES = `
  const f = new Float32Array(4), d = new Float64Array(4)
  const any32: Float32Array = f
  declare const either: FloatArray
  declare const really: boolean
`

it.each([
  [
    'arrays of one dtype go together, whatever memory their types name',
    `boxLoss('sca', f, f, { out: { grad: alloc(1) }, weight: any32 })
     boxLoss('sca', f, any32)
     boxLoss('sca', any32, f, { reduction: 'none', gradOutput: f, out: { loss: f } })
     boxLoss('sca', either, either, { weight: either })
     boxLossAsync('sca', f, any32, { weight: any32 })
     pairwise('iou', f, any32, { out: alloc(1) })
     const ofBoth = <A extends FloatArray>(pred: A, target: A, weight: A) => boxLoss('sca', pred, target, { weight }).grad
     // @ts-expect-error
     boxLoss('sca', f, f, { weight: d })
     // @ts-expect-error
     boxLoss('sca', d, d, { out: { grad: f } })
     // @ts-expect-error
     boxLossAsync('sca', f, d)
     // @ts-expect-error
     pairwise('iou', f, f, { out: d })`,
  ],
  [
    'results fit where new arrays do',
    `let grad = new Float32Array(4)
     grad = boxLoss('sca', f, any32, { weight: any32 }).grad
     grad = pairwise('iou', f, any32)`,
  ],
  [
    'options can be declared by themselves',
    `const of32: BoxLossOptions<Float32Array> = { weight: f }
     const options: BoxLossOptions = { format: 'xywh' }
     const out: Out = { grad: f }
     const asynchronous: AsyncBoxLossOptions = options
     const pairs: PairwiseOptions = { out: f }
     boxLoss('sca', f, f, of32)
     boxLossAsync('sca', f, f, asynchronous)
     pairwise('iou', f, f, pairs)
     const grad: Float32Array | undefined = boxLoss('sca', f, f, options).grad
     const iou: Float32Array = boxLoss('sca', f, f, { ...options, out, iou: true }).iou
     // @ts-expect-error a gradient is there unless options that may say so say no
     boxLoss('sca', f, f, options).grad.length
     // @ts-expect-error
     boxLoss('sca', d, d, of32)`,
  ],
  [
    'options that are one of several have results of either',
    `declare const one: { iou: true } | { grad: false }
     const loss: number | Float32Array = boxLoss('sca', f, f, { reduction: really ? 'none' : 'sum' }).loss
     // @ts-expect-error
     boxLoss('sca', f, f, one).iou.length
     // @ts-expect-error
     boxLoss('sca', f, f, really ? { iou: true } : {}).iou.length
     boxLoss('sca', f, f, one).iou?.length`,
  ],
  [
    'alloc gives an array of the dtype',
    `declare const dtype: DType
     const arrays: [Float32Array, Float32Array, Float64Array, FloatArray] =
       [alloc(1), alloc(1, undefined, { columns: 6 }), alloc(1, 'float64'), alloc(1, dtype)]
     // @ts-expect-error
     alloc(1, dtype) satisfies Float32Array`,
  ],
  [
    'no option passes that there is not, beside others either',
    `// @ts-expect-error
     boxLoss('sca', f, f, { reduction: 'sum', normalizr: 3 })
     // @ts-expect-error
     boxLoss('sca', f, f, { out: { grad: f, los: f } })
     // @ts-expect-error
     boxLoss('sca', f, f, really ? { iou: true, reductio: 'sum' } : {})
     // @ts-expect-error
     scaLoss(f, f, { reduction: 'sum', normalizr: 3 })
     // @ts-expect-error
     boxLossAsync('sca', f, f, { reduction: 'sum', sgnal: new AbortController().signal })
     // @ts-expect-error
     createPlan('sca', { boxes: 4, normalizr: 3 })
     // @ts-expect-error arrays of a plan are its own
     createPlan('sca', { boxes: 4, out: { grad: f } })
     // @ts-expect-error
     const onDevice = (device: CudaDevice, t: CudaTensor) => device.boxLoss('sca', t, t, { iou: true, threads: 3 })
     declare const member: 'loss' | 'grad'
     boxLoss('sca', f, f, { reduction: 'none', out: { [member]: f } })
     boxLoss('sca', f, f, undefined)`,
  ],
  [
    'an option may be undefined, which is as not given',
    `boxLoss('sca', f, f, { weight: undefined, out: undefined, reduction: undefined }).loss satisfies number
     boxLoss('sca', f, f, { out: { grad: undefined }, threads: undefined }).grad satisfies Float32Array
     boxLossAsync('sca', f, f, { signal: undefined })
     createPlan('sca', { boxes: 4, dtype: undefined, weight: undefined }).run({ lossWeight: undefined })
     pairwise('iou', f, f, { out: undefined, similarity: undefined })
     gradCheck('sca', { seed: undefined, dtype: undefined, alpha: undefined })
     averagePrecision([], [], { iouThresholds: undefined })
     for (const state of simulate('sca', { lr: undefined, geometry: undefined })) state satisfies SimulationState
     const onDevice = (device: CudaDevice, t: CudaTensor) => device.boxLoss('sca', t, t, { stream: undefined, out: undefined })`,
  ],
  [
    'a plan claims no more than its options say',
    `declare const dtype: DType
     declare const options: PlanOptions
     const unknown = createPlan('sca', { boxes: 4, dtype, weight: really, reduction: 'none', gradOutput: really ? true : 3 })
     unknown.weight?.fill(1)
     unknown.gradOutput?.fill(1)
     const loss: FloatArray = unknown.run().loss
     // @ts-expect-error
     unknown.pred satisfies Float32Array
     // @ts-expect-error
     unknown.weight.fill(1)
     // @ts-expect-error
     unknown.gradOutput.fill(1)
     createPlan('sca', options).weight?.fill(1)
     // @ts-expect-error
     createPlan('sca', options).pred satisfies Float32Array
     // @ts-expect-error
     createPlan('sca', options).grad.fill(1)`,
  ],
  [
    'Plan is the type of any plan',
    `class Trainer {
       plan: Plan = createPlan('sca', { boxes: 4, dtype: 'float64', weight: true, reduction: 'none', gradOutput: true })
       step = () => this.plan.run().loss
     }
     let plan: Plan = createPlan('sca', { boxes: 4, grad: false, gradTarget: true, iou: true })
     plan = new Trainer().plan
     const narrow: Plan<{ reduction: 'none'; weight: true }> = createPlan('sca', { boxes: 4, alpha: 1, reduction: 'none', weight: true })
     narrow.weight.fill(1)
     const plain: Plan<{}> = createPlan('sca', { boxes: 4, lossWeight: 2 })
     plain.pred satisfies Float32Array
     // @ts-expect-error
     const other: Plan<{ reduction: 'none' }> = createPlan('sca', { boxes: 4 })
     plan.pred.set([0, 0, 1, 1])
     plan.weight?.fill(1)
     // @ts-expect-error there may be none
     plan.weight.fill(1)
     // @ts-expect-error
     plan.pred satisfies Float32Array`,
  ],
  [
    'BoxLossResult is the type of any result',
    `let result: BoxLossResult = boxLoss('sca', f, f, { reduction: 'none', gradTarget: true })
     result = boxLoss('sca', d, d, { grad: false })
     const of32: BoxLossResult<Float32Array> = boxLoss('sca', f, f, { iou: true })
     const onDevice = (device: CudaDevice, t: CudaTensor): DeviceBoxLossResult => device.boxLoss('sca', t, t, { iou: true })
     of32.grad?.fill(0)
     // @ts-expect-error
     of32.grad.fill(0)`,
  ],
  [
    'options of a type that the caller has yet to know are taken',
    `const wrap = <O extends BoxLossOptions<Float32Array>>(o: O) => boxLoss('sca', f, f, o)
     const left = <O extends BoxLossOptions<Float32Array>>(o?: O) => boxLoss('sca', f, f, o)
     const spread = <O extends BoxLossOptions<Float32Array>>(o: O) => boxLoss('sca', f, f, { ...o, iou: true }).iou
     const ofAny = <O extends BoxLossOptions<Float32Array>>(name: LossName, o: O) => boxLoss(name, f, f, o)
     const ofOne = <L extends LossName, O extends BoxLossOptions<Float32Array>>(name: L, o: O) => boxLoss(name, f, f, o)
     const plain = <L extends LossName>(name: L) => boxLoss(name, f, f)
     const fixed = <L extends LossName>(name: L) => boxLoss(name, f, f, { alpha: 3, iou: true }).iou
     const declared = (o: BoxLossOptions) => boxLoss('sca', f, f, o)
     const declaredOrNot = (o?: BoxLossOptions) => boxLoss('sca', f, f, o)
     const declaredAndMore = (o: BoxLossOptions) => boxLoss('sca', f, f, { ...o, iou: true }).iou.fill(0)
     const ofArrays = <A extends FloatArray>(p: A, o: BoxLossOptions<A>) => boxLoss('sca', p, p, { ...o, grad: true }).grad
     const sized = <O extends BoxLossOptions<Float32Array>>(o: O) => boxLoss('mpdiou', f, f, o)
     const sizedToo = (o: BoxLossOptions) => boxLoss('mpdiou', f, f, o)
     const unknownName = (name: any) => boxLoss(name, f, f, { iou: true }).iou.fill(0)
     const named = <O extends BoxLossOptions<Float32Array>>(o: O) => scaLoss(f, f, o)
     const later = <O extends AsyncBoxLossOptions<Float32Array>>(o: O) => boxLossAsync('sca', f, f, { ...o, grad: false })
     const planned = <O extends PlanOptions>(o: O) => createPlan('sca', o)
     const pairs = <O extends PairwiseOptions<Float32Array>>(o: O) => pairwise('iou', f, f, o)
     const checked = <L extends LossName, O extends GradCheckOptions>(name: L, o?: O) => gradCheck(name, o)
     const onDevice = <O extends DeviceBoxLossOptions>(device: CudaDevice, t: CudaTensor, o: O) => device.boxLoss('sca', t, t, o)
     wrap({ iou: true }).iou satisfies Float32Array
     const known: Float32Array = wrap({ reduction: 'none' }).loss
     // @ts-expect-error
     wrap({ weight: d })`,
  ],
  [
    'a loss takes its own options',
    `boxLoss('sca', f, f, { alpha: 1, convention: 'official' })
     boxLoss('ciou', f, f, { detachAlpha: false, convention: 'exact' })
     boxLoss('giou', f, f, { mode: 'log', logFloor: 1e-3, inner: 2, convention: 'torchvision' })
     boxLoss('mpdiou', f, f, { imageWidth: 640, imageHeight: 480, focal: 2 })
     const name: LossName = really ? 'sca' : 'iou'
     const any = name as LossName
     boxLoss(any, f, f)
     boxLoss(any, f, f, { alpha: 1, focal: 2, imageWidth: 3, convention: 'torchvision' })
     boxLoss(name, f, f, { focal: 2, convention: 'official' })
     boxLoss(really ? 'mpdiou' : 'iou', f, f)
     boxLoss('sca', f, f, { focal: undefined, convention: undefined })
     boxLoss('sca', f, f, really ? { alpha: 2 } : {})
     sca3Loss(f, f, { alpha: 1 })
     mpdiouLoss(f, f, { imageWidth: 640, imageHeight: 480 })
     smoothL1Loss(f, f, { beta: 2, reduction: 'none' }).loss.fill(0)
     boxLossAsync('nwd', f, f, { constant: 2, signal: new AbortController().signal })
     createPlan('mpdiou', { boxes: 4, imageWidth: 640, imageHeight: 480 })
     pairwise('iou_cd', f, f, { alpha: 2, similarity: true })
     gradCheck('mpdiou')
     gradCheck('mpdiou', { imageWidth: 640 })
     const onDevice = (device: CudaDevice, t: CudaTensor) => device.boxLoss('mpdiou', t, t, { imageWidth: 640, imageHeight: 480 })`,
  ],
  [
    'and none of another',
    `// @ts-expect-error
     boxLoss('sca', f, f, { focal: 2 })
     // @ts-expect-error
     boxLoss('iou', f, f, { iou: true, alpha: 2 })
     // @ts-expect-error
     boxLoss('sca', f, f, really ? { iou: true, focal: 2 } : {})
     // @ts-expect-error
     boxLoss(really ? 'sca' : 'cd', f, f, { focal: 2 })
     // @ts-expect-error
     boxLoss('sca', f, f, { convention: 'torchvision' })
     // @ts-expect-error
     boxLoss('nwd', f, f, { convention: 'official' })
     // @ts-expect-error
     scaLoss(f, f, { focal: 2 })
     // @ts-expect-error
     giouLoss(f, f, { convention: 'official' })
     // @ts-expect-error
     boxLossAsync('sca', f, f, { focal: 2 })
     // @ts-expect-error
     createPlan('sca', { boxes: 4, focal: 2 })
     // @ts-expect-error
     pairwise('sca', f, f, { focal: 2 })
     // @ts-expect-error
     pairwise('sca', f, f, { similarity: true, simlarity: true })
     // @ts-expect-error
     gradCheck('sca', { focal: 2 })
     // @ts-expect-error
     gradCheck('sca', { convention: 'torchvision' })
     // @ts-expect-error
     const onDevice = (device: CudaDevice, t: CudaTensor) => device.boxLoss('sca', t, t, { focal: 2 })`,
  ],
  [
    'mpdiou requires the size of the image',
    `// @ts-expect-error
     boxLoss('mpdiou', f, f)
     // @ts-expect-error
     boxLoss('mpdiou', f, f, {})
     // @ts-expect-error
     boxLoss('mpdiou', f, f, { imageWidth: 640 })
     // @ts-expect-error
     boxLoss('mpdiou', f, f, { imageWidth: 640, imageHeight: undefined })
     // @ts-expect-error
     mpdiouLoss(f, f)
     // @ts-expect-error
     mpdiouLoss(f, f, { imageHeight: 640 })
     // @ts-expect-error
     boxLossAsync('mpdiou', f, f, { imageWidth: 640 })
     // @ts-expect-error
     createPlan('mpdiou', { boxes: 4 })
     // @ts-expect-error
     pairwise('mpdiou', f, f)
     // @ts-expect-error
     const onDevice = (device: CudaDevice, t: CudaTensor) => device.boxLoss('mpdiou', t, t)`,
  ],
])('%s', (_, program) => {
  const names = [
    'alloc, type AsyncBoxLossOptions, boxLoss, boxLossAsync, type BoxLossOptions, type BoxLossResult',
    'createPlan, type CudaDevice, type CudaTensor, type DeviceBoxLossOptions, type DeviceBoxLossResult, type DType',
    'type FloatArray, giouLoss, gradCheck, type GradCheckOptions, type LossName, mpdiouLoss, type Out, pairwise',
    'type PairwiseOptions, type Plan, type PlanOptions, sca3Loss, scaLoss, smoothL1Loss',
  ]
  write(
    'program.mts',
    `import { ${names} } from 'scaloss'
    import { averagePrecision } from 'scaloss/coco'
    import { simulate, type SimulationState } from 'scaloss/simulation'
${BOXES}\n${program}`,
  )
  expect(check('program.mts', '--exactOptionalPropertyTypes')).toBe('')
})
