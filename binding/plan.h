// A call of boxLoss that is prepared once and run many times, over memory that the plan keeps.
#pragma once

#include "node_api.h"

namespace scaloss {

// newPlan([memory], block, pred, target, weight, gradOutput, loss, grad, gradTarget, iou): [plan]. Block and arrays are
// those of boxLoss. All lie within the memory, which the plan keeps.
Napi::Value new_plan(const Arguments& arguments);

// runPlan([plan]): void. Reads rows and scales from the plan's block, and writes the results there.
Napi::Value run_plan(const Arguments& arguments);

}  // namespace scaloss
