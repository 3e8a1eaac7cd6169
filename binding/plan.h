// A call of boxLoss that is prepared once and run many times, over memory of its own.
#pragma once

#include <node_api.h>

namespace scaloss {

// What changes from run to run, as a Float64Array in the plan's memory; the last two are the results.
// src/native/addon.ts has the positions.
#define SCALOSS_PLAN_VALUES(ROW)                              \
  ROW(boxes) /* of this run, up to as many as the plan has */ \
  ROW(lossScale)                                              \
  ROW(gradScale)                                              \
  ROW(sumScale)                                               \
  ROW(sumDivisor)                                             \
  ROW(ignoreAll)                                              \
  ROW(loss)                                                   \
  ROW(invalid)

// newPlan(scalars, [memory], pred, target, weight, gradOutput, loss, grad, gradTarget, iou, values): [plan]. Arrays as
// of boxLoss, all within the memory, which the plan keeps.
napi_value new_plan(napi_env env, napi_callback_info info);

// runPlan([plan]): void
napi_value run_plan(napi_env env, napi_callback_info info);

}  // namespace scaloss
