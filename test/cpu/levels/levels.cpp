// The SIMD levels from the inside, where results cannot show what happens: that packs take the quick code exactly where
// they may, that the tables hold the code which they should, and that the quick code gives the bits of AnyLoss.
//
//   levels FILE    FILE: pairs of boxes, float32, [2, N, 4], predictions first
//
// Prints how much of each it has looked at, or what is wrong.
#include <cstdio>
#include <set>

#include "../../../core/reduction.h"
#include "../../support/call.h"
#include "probe.h"

namespace {

using namespace check;
using namespace scaloss;

constexpr int kPacks = 5;
constexpr int kOddPack = 2;  // the pack of which one row is unlike the others

const Probe* const kProbes[] = {
    &kBaselineProbe,
#if defined(SCALOSS_HAVE_X86)
    &kAvx2Probe,
    &kAvx512Probe,
#endif
};

struct Pairs {
  float pred[4 * kMostRows], target[4 * kMostRows];
};

// What makes a row unlike an ordinary one.
struct Oddity {
  const char* name;
  bool is_regular, is_valid;
  void (*make)(float* pred, float* target);
};
const Oddity kOddities[] = {
    {"a tiny difference", true, true, [](float* pred, float*) { pred[0] = 0x1p-41f; }},
    {"a narrow box", false, true, [](float*, float* target) { target[2] = 0x1p-21f; }},
    {"a flat box", false, true, [](float* pred, float*) { pred[3] = pred[1]; }},
    {"a coordinate far out", false, true, [](float*, float* target) { target[3] = 0x1p21f; }},
    {"an inverted box", false, false, [](float* pred, float*) { pred[2] = -5; }},
    {"an infinite coordinate", false, false, [](float* pred, float*) { pred[2] = INFINITY; }},
    {"NaN", false, false, [](float*, float* target) { target[1] = NAN; }},
};

std::string text_of(const ProbeCounts& counts) {
  char text[128];
  snprintf(text, sizeof text, "any %d, regular %d, ordinary %d, AnyLoss in packs 0x%x, invalid %lld", counts.any,
           counts.regular, counts.ordinary, unsigned(counts.by_any_loss), (long long)counts.invalid);
  return text;
}

// Ordinary pairs, first edges at 0 for the oddities to move.
void fill_with_ordinary(Pairs& pairs) {
  for (int row = 0; row < kMostRows; ++row) {
    const float pred[] = {1, 2, 50.0f + float(row), 40}, target[] = {0, 0, 60, 30};
    memcpy(pairs.pred + 4 * row, pred, sizeof pred);
    memcpy(pairs.target + 4 * row, target, sizeof target);
  }
}

// Returns how many calls it has looked at.
int check_probe(const Probe& probe) {
  int calls = 0;
  const auto expect_counts = [&](const std::string& what, const ProbeCounts& actual, const ProbeCounts& expected) {
    ++calls;
    expect(actual == expected,
           std::string(probe.level) + ", " + what + ": " + text_of(actual) + "; expected " + text_of(expected));
  };
  constexpr uint32_t kOdd = 1u << kOddPack, kAll = (1u << kPacks) - 1;
  Pairs pairs;
  fill_with_ordinary(pairs);
  const auto run = [&](Probe::Count count, float epsilon) { return count(pairs.pred, pairs.target, kPacks, epsilon); };
  expect_counts("ordinary boxes, code for any", run(probe.any, 0), {kPacks, 0, 0, 0, 0});
  expect_counts("ordinary boxes, code for regular", run(probe.regular, 0), {0, kPacks, 0, 0, 0});
  expect_counts("ordinary boxes, code for ordinary", run(probe.ordinary, 0), {0, 0, kPacks, 0, 0});
  expect_counts("epsilon, code for regular", run(probe.regular, 1e-7f), {0, kPacks, 0, 0, 0});
  expect_counts("epsilon, code for ordinary", run(probe.ordinary, 1e-7f), {0, 0, 0, kAll, 0});
  for (const Oddity& odd : kOddities) {
    for (int i = 0; i < probe.rows_per_pack; ++i) {
      const int row = kOddPack * probe.rows_per_pack + i;
      fill_with_ordinary(pairs);
      odd.make(pairs.pred + 4 * row, pairs.target + 4 * row);
      const std::string what = std::string(odd.name) + " in row " + std::to_string(row) + ", code for ";
      const int64_t invalid = !odd.is_valid;
      expect_counts(what + "any", run(probe.any, 0), {kPacks, 0, 0, 0, invalid});
      if (odd.is_regular) {
        expect_counts(what + "regular", run(probe.regular, 0), {0, kPacks, 0, 0, 0});
      } else {
        expect_counts(what + "regular", run(probe.regular, 0), {0, kPacks - 1, 0, kOdd, invalid});
      }
      expect_counts(what + "ordinary", run(probe.ordinary, 0), {0, 0, kPacks - 1, kOdd, invalid});
    }
  }
  return calls;
}

// Losses of two axes have code of their own in packs of float32, each other code than any other loss; the rest has
// AnyLoss. Returns how many entries it has looked at.
template <class T>
int check_table(const Level& level, const LevelTable<T>& table) {
  int entries = 0;
  const bool has_own_code = sizeof(T) == sizeof(float) && &level != &kScalarLevel;
  std::set<PacksFunction<T>> own;
  for (int loss = 0; loss < kLosses; ++loss) {
    for (const Pass pass : {Pass::forward, Pass::fused}) {
      const int axes = axes_of(loss);
      const PacksFunction<T> code = table.loss[loss][pass], any = table.any[axes - 2][pass];
      const std::string what = std::string(level.name) + ", " + (sizeof(T) == 4 ? "float32, " : "float64, ") +
                               kLossNames[loss] + (pass == Pass::forward ? ", forward" : ", fused");
      if (has_own_code && axes == 2) {
        expect(code != any, what + ": has the code of AnyLoss");
        expect(own.insert(code).second, what + ": has the code of another loss or pass");
      } else {
        expect(code == any, what + ": has other code than that of AnyLoss");
      }
      ++entries;
    }
  }
  return entries;
}

// The code of a loss against that of AnyLoss, where they are not the same code anyway. Returns how many calls.
int check_bits(const Level& level, const Inputs<float>& in) {
  int calls = 0;
  const LevelTable<float>& table = level.float32;
  for (int loss = 0; loss < kLosses; ++loss) {
    if (axes_of(loss) != 2) continue;
    for (const Variant& variant : variants_of(loss)) {
      if (variant.params.modified) continue;
      for (const Pass pass : {Pass::forward, Pass::fused}) {
        Demand demand = everything();
        demand.weight = demand.grad_output = false;
        demand.grad = demand.grad_target = pass == Pass::fused;
        const auto run = [&](PacksFunction<float> code, Outputs<float>& out) {
          const BoxLossJob<float> job = job_of(variant, demand, in, out);
          out.summary = {0, 0};
          for (int64_t tile = 0; tile < tile_count(job.boxes); ++tile) {
            const TileSum sum = table.run_tile[0](job, tile, code, Stores::cached);
            out.summary.loss += sum.loss;
            out.summary.invalid += sum.invalid;
          }
        };
        const PacksFunction<float> own = table.loss[loss][pass], any = table.any[0][pass];
        if (own == any) continue;
        Outputs<float> actual(demand, size_t(in.rows), 2), expected(demand, size_t(in.rows), 2);
        run(own, actual);
        run(any, expected);
        expect_same(std::string(level.name) + ", " + variant.name, expected, actual, in, 2);
        ++calls;
      }
    }
  }
  return calls;
}

void read_pairs(FILE* file, const Inputs<float>& in) {
  for (const Array<float>* boxes : {&in.pred, &in.target}) {
    expect(fread(boxes->data(), sizeof(float), boxes->size(), file) == boxes->size(), "the file is too short");
  }
}

}  // namespace

int main(int count, char** arguments) try {
  FILE* const file = count == 2 ? fopen(arguments[1], "rb") : nullptr;
  expect(file != nullptr, "expected a file of boxes");
  fseek(file, 0, SEEK_END);
  const Inputs<float> in(size_t(ftell(file)) / (8 * sizeof(float)), 2);
  rewind(file);
  read_pairs(file, in);
  fclose(file);
  for (const Level* level : available_levels()) {
    int probed = 0;
    for (const Probe* probe : kProbes) {
      if (std::string(probe->level) == level->name) probed += check_probe(*probe);
    }
    const int entries = check_table(*level, level->float32) + check_table(*level, level->float64);
    printf("%s: %d probes, %d entries, %d calls over %lld pairs\n", level->name, probed, entries,
           check_bits(*level, in), (long long)in.rows);
  }
} catch (const Failed& failure) {
  printf("%s\n", failure.why.c_str());
  return 1;
}
