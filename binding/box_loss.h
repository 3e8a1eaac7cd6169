// One call of boxLoss over host arrays.
#pragma once

#include "node_api.h"

namespace scaloss {

// boxLoss(block, pred, target, weight, gradOutput, loss, grad, gradTarget, iou): void
//
// Arrays are all Float32Array or all Float64Array; those that the field `arrays` does not name are not looked at.
Napi::Value box_loss(const Arguments& arguments);

// boxLossAsync(the same): Promise<[loss, invalid]>. Off this thread. Until the promise is settled nobody else may have
// the arrays, because a transfer would take their memory away.
Napi::Value box_loss_async(const Arguments& arguments);

}  // namespace scaloss
