import type { CoderKind, CoderOptions } from './coders.js'

/** What a preset of `boxCoder` stands for. */
interface Preset {
  kind: CoderKind
  options: CoderOptions
  /** Where the constants come from. */
  source: string
}

const LIMIT = Math.log(1000 / 16)
const ROI = [0.1, 0.1, 0.2, 0.2]
const NO_LIMIT = { maxLogSize: Number.POSITIVE_INFINITY }

/** Coders by the name of the code that people port from. */
export const CODER_PRESETS = {
  'torchvision-rpn': {
    kind: 'deltas',
    options: {},
    source: 'torchvision, RegionProposalNetwork: weights 1, BoxCoder.bbox_xform_clip',
  },
  'torchvision-roi': {
    kind: 'deltas',
    options: { stds: ROI },
    source: 'torchvision, RoIHeads: bbox_reg_weights (10, 10, 5, 5), BoxCoder.bbox_xform_clip',
  },
  'detectron2-rpn': {
    kind: 'deltas',
    options: {},
    source: 'detectron2, RPN.BBOX_REG_WEIGHTS (1, 1, 1, 1), Box2BoxTransform',
  },
  'detectron2-roi': {
    kind: 'deltas',
    options: { stds: ROI },
    source: 'detectron2, ROI_BOX_HEAD.BBOX_REG_WEIGHTS (10, 10, 5, 5), Box2BoxTransform',
  },
  'mmdet-rpn': {
    kind: 'deltas',
    options: { minLogSize: -LIMIT },
    source: 'mmdetection, DeltaXYWHBBoxCoder with stds 1: wh_ratio_clip 16/1000 on both sides',
  },
  'mmdet-roi': {
    kind: 'deltas',
    options: { stds: ROI, minLogSize: -LIMIT },
    source: 'mmdetection, DeltaXYWHBBoxCoder with target_stds (0.1, 0.1, 0.2, 0.2)',
  },
  ssd: {
    kind: 'deltas',
    options: { stds: ROI, ...NO_LIMIT },
    source: 'SSD, variances (0.1, 0.2), no limit; priors as corners',
  },
  'tf-faster-rcnn': {
    kind: 'deltas',
    options: { stds: ROI, order: 'yxhw', ...NO_LIMIT },
    source: 'TensorFlow object detection, FasterRcnnBoxCoder: ty, tx, th, tw, scale_factors (10, 10, 5, 5), no limit',
  },
  efficientdet: {
    kind: 'deltas',
    options: { order: 'yxhw', ...NO_LIMIT },
    source: 'google/automl, efficientdet/tf2/anchors.py: ty, tx, th, tw, no factors, no limit',
  },
  'yolov4-stride8': {
    kind: 'yolov3',
    options: { scaleXY: 1.2 },
    source: 'darknet, yolov4.cfg: scale_x_y of the largest map',
  },
  'yolov4-stride16': {
    kind: 'yolov3',
    options: { scaleXY: 1.1 },
    source: 'darknet, yolov4.cfg: scale_x_y of the middle map',
  },
  'yolov4-stride32': {
    kind: 'yolov3',
    options: { scaleXY: 1.05 },
    source: 'darknet, yolov4.cfg: scale_x_y of the smallest map',
  },
  fcos: {
    kind: 'ltrb',
    options: { activation: 'relu' },
    source: 'FCOS with norm_reg_targets, and the FCOS of torchvision',
  },
  rtmdet: { kind: 'ltrb', options: { activation: 'exp' }, source: 'mmdetection, RTMDetHead: exp times stride' },
  yolo26: {
    kind: 'ltrb',
    options: { activation: 'linear' },
    source: 'Ultralytics with reg_max 1: distances without activation',
  },
  gfl: {
    kind: 'dfl',
    options: { bins: 17, targetClamp: 15.9 },
    source: 'GFocal, GFLHead: reg_max 16 is the last of 17 bins',
  },
  ppyoloe: {
    kind: 'dfl',
    options: { bins: 17, targetClamp: 15.99 },
    source: 'PaddleDetection, PPYOLOEHead: reg_max 16',
  },
  yolov8: {
    kind: 'dfl',
    options: { bins: 16, targetClamp: 14.99 },
    source: 'Ultralytics, YOLOv8 to v12: reg_max 16 is the number of bins',
  },
  'rt-detr': { kind: 'detr', options: { eps: 1e-5 }, source: 'RT-DETR, inverse_sigmoid with eps 1e-5' },
  detrex: { kind: 'detr', options: { eps: 1e-3 }, source: 'detrex, inverse_sigmoid with eps 1e-3' },
} as const satisfies Record<string, Preset>
/** The name of a preset: a kind of coder with the constants of the code that people port from. */
export type CoderPreset = keyof typeof CODER_PRESETS
