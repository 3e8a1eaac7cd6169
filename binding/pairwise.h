// pairwise(scalars, a, b, out): void, the value of every pair of [N, 2 D] and [M, 2 D] boxes in [N, M].
#pragma once

#include <napi.h>

namespace scaloss {

// Arrays are all Float32Array or all Float64Array, and none is empty. Checked as in box_loss.h.
napi_value pairwise(napi_env env, napi_callback_info info);

}  // namespace scaloss
