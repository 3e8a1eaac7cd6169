// The losses with the options that C++ tests go through.
#pragma once

#include <string>
#include <vector>

#include "../../core/any_loss.h"

namespace check {

// A loss with its options.
struct Variant {
  std::string name;
  scaloss::LossParams<double> params;
};
inline Variant plain_variant(int loss) {
  scaloss::LossParams<double> params = {};
  params.alpha = 0.5;
  params.log_floor = 1e-6;
  params.power = params.inner = params.beta = 1;
  params.image_scale = 1.0 / 800;
  params.constant = 12.8;
  params.mode = scaloss::Mode::linear;
  params.detach_alpha = 1;
  params.loss = loss;
  return {scaloss::kLossNames[loss], params};
}

inline bool is_family(int loss) {
  return scaloss::dispatch_loss(loss, scaloss::IsFamily());
}

// Whether there is another convention than the exact one (src/core/losses.ts).
inline bool has_convention(int loss) {
  using namespace scaloss;
  for (int each : {kLoss_sca, kLoss_so, kLoss_cd, kLoss_giou, kLoss_diou, kLoss_ciou}) {
    if (each == loss) return true;
  }
  return false;
}

inline std::vector<Variant> variants_of(int loss) {
  const Variant plain = plain_variant(loss);
  std::vector<Variant> variants = {plain};
  const auto add = [&](const char* name, auto change) {
    Variant variant = {plain.name + ", " + name, plain.params};
    change(variant.params);
    derive(variant.params);
    variants.push_back(variant);
  };
  using Params = scaloss::LossParams<double>;
  if (has_convention(loss)) add("epsilon", [](Params& params) { params.epsilon = 1e-7; });
  if (loss == scaloss::kLoss_smooth_l1) add("beta", [](Params& params) { params.beta = 0.1; });
  if (!is_family(loss)) return variants;
  add("log", [](Params& params) { params.mode = scaloss::Mode::log; });
  add("square", [](Params& params) { params.mode = scaloss::Mode::square; });
  add("power", [](Params& params) { params.power = 3; });
  add("inner", [](Params& params) { params.inner = 0.75; });
  add("focal", [](Params& params) { params.focal = 0.5; });
  add("alpha not detached", [](Params& params) { params.detach_alpha = 0; });
  add("all together", [](Params& params) {
    params.mode = scaloss::Mode::log;
    params.log_floor = 0.25;
    params.power = 0.5;
    params.inner = 1.25;
    params.focal = 1.5;
    params.detach_alpha = 0;
  });
  return variants;
}

}  // namespace check
