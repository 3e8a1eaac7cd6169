// A call of boxLoss that is prepared once and run many times, over memory of its own.
#pragma once

#include "node_api.h"

namespace scaloss {

// newPlan([memory], block, pred, target, weight, gradOutput, loss, grad, gradTarget, iou): [plan]. Block and arrays as
// of boxLoss, all within the memory, which the plan keeps.
Napi::Value new_plan(const Arguments& arguments);

// runPlan([plan]): void. Reads rows and scales from the plan's block, and writes the results there.
Napi::Value run_plan(const Arguments& arguments);

}  // namespace scaloss
