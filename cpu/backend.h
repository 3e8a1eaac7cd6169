// The CPU backend: one call over host arrays, at the SIMD level in force.
#pragma once

#include <string>
#include <vector>

#include "level.h"

namespace scaloss {

// The levels this build has and this CPU can run, from narrowest to widest.
const std::vector<const Level*>& available_levels();

// The level in force: the widest available one until set_level() changes it, for the whole process.
const Level& active_level();

// False if no available level has the name.
bool set_level(const std::string& name);

// Runs on up to `threads` threads, including the calling one. Only large calls use more than one. The results do not
// depend on the number.
template <class T>
BoxLossSummary cpu_box_loss(const BoxLossJob<T>& job, int threads);

template <class T>
BoxLossSummary cpu_head_loss(const HeadJob<T>& job, int threads);

template <class T>
void cpu_pairwise(const PairwiseJob<T>& job, int threads);

}  // namespace scaloss
