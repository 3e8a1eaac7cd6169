// The call of headLoss.
#pragma once

#include "node_api.h"

namespace scaloss {

// headLoss(block, raw, prior, project, target, weight, gradOutput, loss, grad, gradTarget, iou, boxes): the arrays of
// core/head.h, where undefined stands for none. Without targets only the boxes are decoded.
Napi::Value head_loss(const Arguments& arguments);

}  // namespace scaloss
