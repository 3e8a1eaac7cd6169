/** All box formats. The addon relies on this order (`core/formats.h`). */
export const FORMATS = ['xyxy', 'xywh', 'cxcywh', 'yxyx'] as const

/** The layout of the numbers of a box. `xyxy`: corners x1, y1, x2, y2. `xywh`: first corner and size (COCO). `cxcywh`:
 * centre and size. `yxyx`: y1, x1, y2, x2 (TensorFlow). */
export type Format = (typeof FORMATS)[number]
