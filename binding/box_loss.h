// boxLoss(scalars, pred, target, weight, gradOutput, loss, grad, gradTarget, iou): void
#pragma once

#include <napi.h>

namespace scaloss {

// The numbers of a call travel in one Float64Array, which costs one Node-API call however many there are. The fields,
// in order; the last two are written by the call. src/native.ts finds their positions by these names.
#define SCALOSS_SCALARS(ROW)                      \
  ROW(backend) /* 0: CPU, 1: CUDA */              \
  ROW(device)  /* index of the CUDA device */     \
  ROW(kernel)  /* position in SCALOSS_LOSSES */   \
  ROW(format)  /* position in SCALOSS_FORMATS */  \
  ROW(alpha)                                      \
  ROW(epsilon)                                    \
  ROW(lossScale)                                  \
  ROW(gradScale)                                  \
  ROW(sumScale)                                   \
  ROW(sumDivisor)                                 \
  ROW(ignoreInvalid) /* 0 or 1, as is the next */ \
  ROW(ignoreAll)                                  \
  ROW(resultLoss)                                 \
  ROW(resultInvalid)

// Arrays are all Float32Array or all Float64Array, undefined where a call has none. TypeScript has checked everything a
// user can get wrong; here types, lengths and positions are checked again, because memory depends on them (TypeError).
// A CUDA error is thrown with the properties cudaName and outOfMemory.
Napi::Value box_loss(const Napi::CallbackInfo& info);

}  // namespace scaloss
