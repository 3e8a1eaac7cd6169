// The block of numbers among the arguments of a call (core/block.h).
#pragma once

#include "../core/block.h"
#include "node_api.h"
#include "run.h"

namespace scaloss {

// Argument i must be a block.
Block block_argument(const Arguments& arguments, int i);

Place place_of(const Block& block);

}  // namespace scaloss
