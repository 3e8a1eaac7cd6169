// One call of boxLoss over host arrays.
#pragma once

#include "node_api.h"

namespace scaloss {

// boxLoss(block, pred, target, weight, gradOutput, loss, grad, gradTarget, iou): void
//
// The arrays are all Float32Array or all Float64Array. Those that the field `arrays` does not name are ignored.
Napi::Value box_loss(const Arguments& arguments);

// boxLossAsync(the same): Promise<[loss, invalid]>. It computes on another thread. Until the promise is settled no
// other code may have the arrays, because a transfer would take their memory away.
Napi::Value box_loss_async(const Arguments& arguments);

}  // namespace scaloss
