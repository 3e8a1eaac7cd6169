// boxLoss(scalars, pred, target, weight, gradOutput, loss, grad, gradTarget, iou): void
#pragma once

#include <napi.h>

namespace scaloss {

// The numbers of a call travel in one Float64Array, which costs one Node-API call however many there are. The fields,
// in order; the last two are written by the call. src/native.ts finds their positions by these names.
#define SCALOSS_SCALARS(ROW)                          \
  ROW(backend)   /* 0: CPU, 1: CUDA */                \
  ROW(device)    /* index of the CUDA device */       \
  ROW(lossIndex) /* position in SCALOSS_LOSSES */     \
  ROW(format)    /* position in SCALOSS_FORMATS */    \
  ROW(alpha)     /* this and the next: LossParams */  \
  ROW(epsilon)                                        \
  ROW(logFloor)                                       \
  ROW(power)                                          \
  ROW(inner)                                          \
  ROW(focal)                                          \
  ROW(beta)                                           \
  ROW(imageScale)                                     \
  ROW(mode)        /* position in SCALOSS_MODES */    \
  ROW(detachAlpha) /* 0 or 1, as is the next */       \
  ROW(modified)    /* see cuda/terms.h */             \
  ROW(lossScale)                                      \
  ROW(gradScale)                                      \
  ROW(sumScale)                                       \
  ROW(sumDivisor)                                     \
  ROW(arrays)        /* bit k: argument k is given */ \
  ROW(ignoreInvalid) /* 0 or 1, as is the next */     \
  ROW(ignoreAll)                                      \
  ROW(resultLoss)                                     \
  ROW(resultInvalid)

// Arrays are all Float32Array or all Float64Array; those that `arrays` does not name are not looked at. TypeScript has
// checked everything a user can get wrong; here types, lengths and positions are checked again, because memory depends
// on them (TypeError). A CUDA error is thrown with the properties cudaName and outOfMemory.
//
// Plain Node-API: at a few hundred boxes a call costs more than its arithmetic, and each question to Node-API 10 to 30
// ns.
napi_value box_loss(napi_env env, napi_callback_info info);

}  // namespace scaloss
