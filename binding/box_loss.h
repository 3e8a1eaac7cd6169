// One call over host arrays.
#pragma once

#include <napi.h>

namespace scaloss {

// boxLoss(scalars, pred, target, weight, gradOutput, loss, grad, gradTarget, iou): void
//
// Arrays are all Float32Array or all Float64Array; those that the scalar `arrays` does not name are not looked at.
// TypeScript has checked everything a user can get wrong; here types, lengths and positions are checked again, because
// memory depends on them.
napi_value box_loss(napi_env env, napi_callback_info info);

// boxLossAsync(the same): Promise<[loss, invalid]>. Off this thread; until the promise is settled nobody else may have
// the arrays, for a transfer would take their memory away.
napi_value box_loss_async(napi_env env, napi_callback_info info);

}  // namespace scaloss
