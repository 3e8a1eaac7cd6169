// What levels.cpp asks of probe.cpp, which is compiled once for each level.
#pragma once

#include <cstdint>

namespace scaloss {

constexpr int kMostRows = 256;

// How often the code of a loss ran, by the range of the boxes that it is for; which packs got the code of AnyLoss
// instead, one bit each; and how many rows count as invalid.
struct ProbeCounts {
  int any, regular, ordinary;
  uint32_t by_any_loss;
  int64_t invalid;
};
inline bool operator==(const ProbeCounts& a, const ProbeCounts& b) {
  return a.any == b.any && a.regular == b.regular && a.ordinary == b.ordinary && a.by_any_loss == b.by_any_loss &&
         a.invalid == b.invalid;
}

// A level's packs of float32, and the counts for losses with faster code for boxes of each range.
struct Probe {
  using Count = ProbeCounts (*)(const float* pred, const float* target, int packs, float epsilon);
  const char* level;
  int rows_per_pack;
  Count any, regular, ordinary;
};

extern const Probe kBaselineProbe, kAvx2Probe, kAvx512Probe;

}  // namespace scaloss
