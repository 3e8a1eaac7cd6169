#include "backend.h"

#include <atomic>

#include "../../cuda/reduction.h"

namespace scaloss {

const std::vector<const Level*>& available_levels() {
  static const std::vector<const Level*> levels = [] {
    std::vector<const Level*> list = {&kScalarLevel};
#if defined(SCALOSS_HAVE_PACKS)
    list.push_back(&kBaselineLevel);
#endif
#if defined(SCALOSS_HAVE_X86)
    // These checks include the operating system's support for the registers.
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) list.push_back(&kAvx2Level);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
      list.push_back(&kAvx512Level);
    }
#endif
    return list;
  }();
  return levels;
}

static std::atomic<const Level*>& level_in_force() {
  static std::atomic<const Level*> level{available_levels().back()};
  return level;
}

const Level& active_level() {
  return *level_in_force().load(std::memory_order_relaxed);
}

bool set_level(const std::string& name) {
  for (const Level* level : available_levels()) {
    if (name == level->name) {
      level_in_force() = level;
      return true;
    }
  }
  return false;
}

static const LevelTable<float>& table_of(const Level& level, float) {
  return level.float32;
}
static const LevelTable<double>& table_of(const Level& level, double) {
  return level.float64;
}

template <class T>
BoxLossSummary cpu_box_loss(const BoxLossJob<T>& job) {
  const LevelTable<T>& table = table_of(active_level(), T());
  const int kind = axes_of(job.params.loss) - 2;
  const PacksFunction<T> run_packs =
      (job.params.modified ? table.any[kind] : table.loss[job.params.loss])[int(pass_of(job))];
  const int64_t tiles = tile_count(job.boxes);
  const int used = int(tiles < kLanes ? tiles : kLanes);
  double lanes[kLanes];
  clear_lanes(lanes, used);
  BoxLossSummary summary = {0, 0};
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const TileSum sum = table.run_tile[kind](job, tile, run_packs);
    lanes[tile % kLanes] += sum.loss;
    summary.invalid += sum.invalid;
  }
  summary.loss = reduced_loss(job, tree_sum(lanes, used));
  return summary;
}

template <class T>
void cpu_pairwise(const PairwiseJob<T>& job) {
  table_of(active_level(), T()).pairwise[axes_of(job.params.loss) - 2](job);
}

template void cpu_pairwise(const PairwiseJob<float>&);
template void cpu_pairwise(const PairwiseJob<double>&);
template BoxLossSummary cpu_box_loss(const BoxLossJob<float>&);
template BoxLossSummary cpu_box_loss(const BoxLossJob<double>&);

}  // namespace scaloss
