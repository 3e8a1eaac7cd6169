// Every loss with every option over boxes of all kinds: the emulated kernels and every SIMD level of the CPU against
// its scalar level.
#include <algorithm>

#include "check_call.h"

namespace check {

namespace {

using namespace scaloss;

constexpr int64_t kChunk = 48 * kTile;  // rows of a call at most, but for a tail: so many take threads

template <class T>
void check_variant(const Variant& variant, int64_t pairs, Random& random) {
  const int axes = axes_of(variant.params.loss);
  while (pairs > 0) {
    const int64_t rows = std::min<int64_t>(pairs, kChunk + int64_t(random() % kTile));
    pairs -= rows;
    const Demand demand = random_demand(random, axes);
    const RandomInputs<T> in(size_t(rows), axes, random);
    Outputs<T> expected(demand, size_t(rows), axes);
    run_cpu("scalar", variant, demand, in, expected);
    for (const Level* level : available_levels()) {
      if (std::string(level->name) == "scalar") continue;
      Outputs<T> actual(demand, size_t(rows), axes);
      run_cpu(level->name, variant, demand, in, actual, 3);
      expect_same(variant.name + ", " + level->name, expected, actual, in, axes);
    }
    Outputs<T> actual(demand, size_t(rows), axes);
    run_emulated(variant, demand, in, actual, Workspace(rows));
    expect_same(variant.name + ", emulator", expected, actual, in, axes);
  }
}

template <class T>
void check_loss(const char* dtype, int loss, int64_t pairs) {
  const std::vector<Variant> variants = variants_of(loss);
  const std::string name = "bits: " + variants[0].name + " " + dtype + ", " + std::to_string(variants.size()) +
                           " variants, " + std::to_string(pairs) + " pairs";
  run(name, [&] {
    Random random(uint64_t(loss) + 100 * sizeof(T));
    const int64_t each = pairs / int64_t(variants.size());
    for (const Variant& variant : variants) {
      const bool is_last = &variant == &variants.back();
      check_variant<T>(variant, is_last ? pairs - each * int64_t(variants.size() - 1) : each, random);
    }
  });
}

}  // namespace

// Four of five pairs in float32; a loss gets as many as any other.
void check_bits(int64_t pairs) {
  int64_t left = pairs;
  for (int loss = 0; loss < kLosses; ++loss) {
    const int64_t float64 = pairs / 5 / kLosses;
    const int64_t float32 = loss == kLosses - 1 ? left - float64 : pairs / kLosses - float64;
    check_loss<float>("float32", loss, float32);
    check_loss<double>("float64", loss, float64);
    left -= float32 + float64;
  }
}

}  // namespace check
