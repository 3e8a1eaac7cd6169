// pairwise(block, a, b, out): void, the value of every pair of [N, 2 D] and [M, 2 D] boxes in [N, M].
#pragma once

#include "node_api.h"

namespace scaloss {

// The arrays are all Float32Array or all Float64Array, and none is empty.
Napi::Value pairwise(const Arguments& arguments);

}  // namespace scaloss
