// The losses once more, as docs/losses.md has them, in numbers of 113 bits that carry their derivatives: shares nothing
// with the code under test but the names of the options.
#pragma once

#include <vector>

#include "../../../core/terms.h"

namespace reference {

using Quad = __float128;

struct Result {
  Quad loss, iou;
  std::vector<Quad> grad;  // for the prediction's coordinates, then the target's
};

// Boxes of `axes` numbers for the first corner and as many for the second, finite and ordered; losses without epsilon.
Result evaluate(const scaloss::LossParams<double>& params, int axes, const double* pred, const double* target);

}  // namespace reference
