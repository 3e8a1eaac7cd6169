#include "backend.h"

#include <algorithm>
#include <atomic>

#include "../core/reduction.h"
#include "pool.h"
#if defined(__x86_64__)
#  include <immintrin.h>
#endif
#if defined(SCALOSS_HAVE_X86)
#  include <cpuid.h>
#endif

namespace scaloss {

#if defined(SCALOSS_HAVE_X86)
enum class Registers { avx2, avx512 };

// Whether the CPU has the instructions of a level and the operating system keeps its registers. The compiler's
// __builtin_cpu_supports needs a library that some compilers lack.
static bool supports(Registers registers) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return false;
  unsigned kept, upper_half;
  asm("xgetbv" : "=a"(kept), "=d"(upper_half) : "c"(0));
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const auto all_of = [](unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; };
  if (registers == Registers::avx2) return all_of(kept, 0x06) && all_of(b, bit_AVX2);
  return all_of(kept, 0xe6) && all_of(b, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL);
}
#endif

const std::vector<const Level*>& available_levels() {
  static const std::vector<const Level*> levels = [] {
    std::vector<const Level*> list = {&kScalarLevel};
#if defined(SCALOSS_HAVE_PACKS)
    list.push_back(&kBaselineLevel);
#endif
#if defined(SCALOSS_HAVE_X86)
    if (supports(Registers::avx2)) list.push_back(&kAvx2Level);
#endif
#if defined(SCALOSS_HAVE_X86) && !defined(__APPLE__)
    // Not on macOS: before 12.2 its kernel can spoil mask registers when a signal comes, and it says that it keeps the
    // registers only after a first use.
    if (supports(Registers::avx512)) list.push_back(&kAvx512Level);
#endif
    return list;
  }();
  return levels;
}

// This is initialised when the addon is loaded, like the pool, so that a fork cannot leave its child with half of it.
static std::atomic<const Level*> level_in_force{available_levels().back()};

const Level& active_level() {
  return *level_in_force.load(std::memory_order_relaxed);
}

bool set_level(const std::string& name) {
  for (const Level* level : available_levels()) {
    if (name == level->name) {
      level_in_force = level;
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

// A thread takes some ten microseconds to wake. In that time the others compute ten thousand boxes or more, so each
// thread must have a few times as many to do. Parts are small, so that nobody waits long for a thread that came late.
// They are otherwise as large as possible, because two threads that write near each other slow each other down.
constexpr int64_t kLeastTilesPerThread = 24;
constexpr int64_t kPartsPerThread = 8;
constexpr int64_t kLeastTilesPerPart = 4, kMostTilesPerPart = 64;
constexpr int64_t kLeastPairsPerThread = 1 << 17;
constexpr int64_t kPairsPerPart = 1 << 14;

// Boxes and gradients of more bytes than this leave nothing useful in the caches. It is half of the third-level cache
// that a core commonly has at its disposal. Smaller gradients stay in the caches for the code that reads them next.
constexpr int64_t kBytesForStreaming = 16 << 20;

template <class T>
static Stores stores_of(const BoxLossJob<T>& job, int threads) {
  const int64_t arrays = 2 + (job.grad != nullptr) + (job.grad_target != nullptr);
  const int64_t bytes = job.boxes * arrays * 2 * axes_of(job.params.loss) * int64_t(sizeof(T));
  if (bytes <= kBytesForStreaming) return Stores::cached;
  return threads > 1 ? Stores::streaming_pieces : Stores::streaming;
}

// Streaming stores are not ordered with the stores that tell other threads about them, so a fence is needed.
static void finish(Stores stores) {
#if defined(__x86_64__)
  if (stores != Stores::cached) _mm_sfence();
#else
  (void)stores;
#endif
}

// Calls run(tile) for every tile, on so many threads, then add(tile, its sum) in order.
template <class Sum, class Run, class Add>
static void sum_tiles(int64_t tiles, int threads, Stores stores, Run run, Add add) {
  if (threads <= 1) {
    for (int64_t tile = 0; tile < tiles; ++tile) add(tile, run(tile));
    finish(stores);
    return;
  }
  thread_local std::vector<Sum> kept;  // kept between calls on this thread, so that only the first ones allocate
  if (int64_t(kept.size()) < tiles) kept.resize(tiles);
  Sum* const sums = kept.data();
  const int64_t tiles_per_part = std::clamp(tiles / (kPartsPerThread * threads), kLeastTilesPerPart, kMostTilesPerPart);
  const int64_t parts = (tiles + tiles_per_part - 1) / tiles_per_part;
  for_each_part(parts, threads, [&](int64_t part) {
    const int64_t end = std::min(tiles, (part + 1) * tiles_per_part);
    for (int64_t tile = part * tiles_per_part; tile < end; ++tile) sums[tile] = run(tile);
    finish(stores);
  });
  for (int64_t tile = 0; tile < tiles; ++tile) add(tile, sums[tile]);
}

static int threads_for(int64_t tiles, int threads) {
  return int(std::min<int64_t>(threads, tiles / kLeastTilesPerThread));
}

template <class T>
BoxLossSummary cpu_box_loss(const BoxLossJob<T>& job, int threads) {
  const int64_t tiles = tile_count(job.boxes);
  const int used = int(tiles < kLanes ? tiles : kLanes);
  double lanes[kLanes];
  clear_lanes(lanes, used);
  BoxLossSummary summary = {0, 0};
  const LevelTable<T>& table = table_of(active_level(), T());
  const int kind = axes_of(job.params.loss) - 2;
  const PacksFunction<T> run_packs = packs_of(table, job);
  threads = threads_for(tiles, threads);
  const Stores stores = stores_of(job, threads);
  sum_tiles<TileSum>(
      tiles, threads, stores, [&](int64_t tile) { return table.run_tile[kind](job, tile, run_packs, stores); },
      [&](int64_t tile, const TileSum& sum) {
        lanes[tile % kLanes] += sum.loss;
        summary.invalid += sum.invalid;
      });
  summary.loss = reduced_loss(job, tree_sum(lanes, used));
  return summary;
}

template <class T>
BoxLossSummary cpu_head_loss(const HeadJob<T>& job, int threads) {
  const int64_t tiles = tile_count(job.loss.boxes);
  HeadSum sum;
  const LevelTable<T>& table = table_of(active_level(), T());
  const PacksFunction<T> run_packs = packs_of_head(table, job);
  sum_tiles<HeadTileSum>(
      tiles, threads_for(tiles, threads), Stores::cached,
      [&](int64_t tile) { return table.run_head_tile(job, tile, run_packs); },
      [&](int64_t tile, const HeadTileSum& of_tile) { sum.add(tile, of_tile); });
  return sum.summary(job);
}

template <class T>
void cpu_pairwise(const PairwiseJob<T>& job, int threads) {
  const int axes = axes_of(job.params.loss);
  const PairwiseFunction<T> run = table_of(active_level(), T()).pairwise[axes - 2];
  threads = int(std::min<int64_t>(threads, job.rows * job.columns / kLeastPairsPerThread));
  if (threads <= 1) return run(job);
  const int64_t rows = std::max<int64_t>(1, kPairsPerPart / job.columns);
  for_each_part((job.rows + rows - 1) / rows, threads, [&](int64_t part) {
    PairwiseJob<T> rows_of_part = job;
    const int64_t first = part * rows;
    rows_of_part.rows = std::min(rows, job.rows - first);
    rows_of_part.a += 2 * axes * first;
    rows_of_part.out += job.columns * first;
    run(rows_of_part);
  });
}

template void cpu_pairwise(const PairwiseJob<float>&, int);
template void cpu_pairwise(const PairwiseJob<double>&, int);
template BoxLossSummary cpu_box_loss(const BoxLossJob<float>&, int);
template BoxLossSummary cpu_box_loss(const BoxLossJob<double>&, int);
template BoxLossSummary cpu_head_loss(const HeadJob<float>&, int);
template BoxLossSummary cpu_head_loss(const HeadJob<double>&, int);

}  // namespace scaloss
