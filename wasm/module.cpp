// core and the 128-bit packs of cpu as a WebAssembly module, for hosts where the addon cannot run. It gives the bits of
// the CPU backend.
//
// The memory of the module has a fixed size, so that views of it stay valid. JavaScript (src/wasm) copies a call in
// parts into `arena`, which is about as large as a second-level cache, and the results out of it. So arrays of any size
// pass through.
#include "../core/block.h"
#include "../core/reduction.h"
#include "../cpu/table.h"

namespace scaloss {

namespace {

constexpr Level kLevel = {"wasm", make_table<Pack<float, 4>, float>(), make_table<Pack<double, 2>, double>()};

constexpr int kArenaBytes = 1 << 20;
alignas(64) char arena[kArenaBytes];
double numbers[kFields];

const LevelTable<float>& table_of(float) {
  return kLevel.float32;
}
const LevelTable<double>& table_of(double) {
  return kLevel.float64;
}

// The sums of the tiles of a call so far, in the lanes that reduction.h adds them in.
double lanes[kLanes];
int64_t tiles_so_far;
BoxLossSummary summary;

template <class T>
BoxLossJob<T> job;
template <class T>
PairwiseJob<T> pairwise_job;

template <class T>
void begin() {
  job<T> = Block(numbers).box_loss_job<T>();
}

template <class T>
void run(int rows, T* const* arrays) {
  BoxLossJob<T>& part = job<T>;
  const int axes = axes_of(part.params.loss);
  Block(numbers).set_arrays(part, size_t(rows) * 2 * axes, [&](int array, size_t) { return arrays[array]; });
  const LevelTable<T>& table = table_of(T());
  const PacksFunction<T> run_packs = packs_of(table, part);
  for (int64_t tile = 0; tile < tile_count(rows); ++tile) {
    const TileSum sum = table.run_tile[axes - 2](part, tile, run_packs, Stores::cached);
    lanes[tiles_so_far++ % kLanes] += sum.loss;
    summary.invalid += sum.invalid;
  }
}

template <class T>
void end() {
  // Lanes that no tile reached hold 0, which adds nothing.
  summary.loss = reduced_loss(job<T>, tree_sum(lanes, kLanes));
}

// The call of headLoss that is being computed.
template <class T>
HeadJob<T> head_job;
HeadSum head_sum;

template <class T>
void run_head(int rows, int priors, void* const* arrays) {
  HeadJob<T>& part = head_job<T>;
  part.priors = priors;
  set_head_arrays(part, rows, [&](HeadArray array, size_t) { return static_cast<T*>(arrays[int(array)]); });
  const LevelTable<T>& table = table_of(T());
  const PacksFunction<T> run_packs = packs_of_head(table, part);
  for (int64_t tile = 0; tile < tile_count(rows); ++tile) {
    head_sum.add(tiles_so_far++, table.run_head_tile(part, tile, run_packs));
  }
}

template <class T>
void run_pairs(int rows, int columns, T* a, T* b, T* out) {
  PairwiseJob<T>& part = pairwise_job<T>;
  part.rows = rows;
  part.columns = columns;
  part.a = a;
  part.b = b;
  part.out = out;
  table_of(T()).pairwise[axes_of(part.params.loss) - 2](part);
}

template <class T>
int count(const T* boxes, int rows) {
  const PairwiseJob<T>& part = pairwise_job<T>;
  const bool is_3d = axes_of(part.params.loss) == 3;
  return int(is_3d ? count_invalid<3>(part, boxes, rows) : count_invalid<2>(part, boxes, rows));
}

}  // namespace

void fail_block(const char*) {
  __builtin_trap();
}

}  // namespace scaloss

using namespace scaloss;

// The functions that JavaScript calls. Addresses are those of the module's memory.
#define SCALOSS_EXPORT(name) extern "C" __attribute__((export_name(#name)))

// Where the numbers of a call go (core/block.h), and its arrays.
SCALOSS_EXPORT(numbers) double* numbers_address() {
  return numbers;
}
SCALOSS_EXPORT(arena) char* arena_address() {
  return arena;
}
SCALOSS_EXPORT(arenaBytes) int arena_bytes() {
  return kArenaBytes;
}

// One call of boxLoss: begin, run for each part of its rows, end. All parts but the last have whole tiles.
SCALOSS_EXPORT(begin) void begin_call(int is_float64) {
  clear_lanes(lanes, kLanes);
  tiles_so_far = 0;
  summary = {0, 0};
  is_float64 ? begin<double>() : begin<float>();
}
// The eight arrays of core/job.h; those that the block does not name are not looked at.
SCALOSS_EXPORT(run)
void run_part(int is_float64, int rows, void* pred, void* target, void* weight, void* grad_output, void* loss,
              void* grad, void* grad_target, void* iou) {
  void* const arrays[kArrays] = {pred, target, weight, grad_output, loss, grad, grad_target, iou};
  if (is_float64) {
    run(rows, reinterpret_cast<double* const*>(arrays));
  } else {
    run(rows, reinterpret_cast<float* const*>(arrays));
  }
}
SCALOSS_EXPORT(end) void end_call(int is_float64) {
  is_float64 ? end<double>() : end<float>();
  Block(numbers).set_results(summary);
}

// One call of headLoss, in parts as one of boxLoss. Each part has its own priors, and the arrays of core/head.h, of
// which those that are not given are 0.
SCALOSS_EXPORT(beginHead) void begin_head(int is_float64) {
  head_sum = HeadSum();
  tiles_so_far = 0;
  if (is_float64) {
    head_job<double> = Block(numbers).head_job<double>();
  } else {
    head_job<float> = Block(numbers).head_job<float>();
  }
}
SCALOSS_EXPORT(runHead)
void run_head_part(int is_float64, int rows, int priors, void* raw, void* prior, void* project, void* target,
                   void* weight, void* grad_output, void* loss, void* grad, void* grad_target, void* iou, void* boxes) {
  void* const arrays[kHeadArrays] = {raw,  prior, project,     target, weight, grad_output,
                                     loss, grad,  grad_target, iou,    boxes};
  is_float64 ? run_head<double>(rows, priors, arrays) : run_head<float>(rows, priors, arrays);
}
SCALOSS_EXPORT(endHead) void end_head(int is_float64) {
  Block(numbers).set_results(is_float64 ? head_sum.summary(head_job<double>) : head_sum.summary(head_job<float>));
}

// One call of pairwise: beginPairwise, then parts of its rows and columns.
SCALOSS_EXPORT(beginPairwise) void begin_pairwise(int is_float64) {
  if (is_float64) {
    pairwise_job<double> = Block(numbers).pairwise_job<double>();
  } else {
    pairwise_job<float> = Block(numbers).pairwise_job<float>();
  }
}
SCALOSS_EXPORT(runPairwise) void run_pairwise_part(int is_float64, int rows, int columns, void* a, void* b, void* out) {
  if (is_float64) {
    run_pairs(rows, columns, static_cast<double*>(a), static_cast<double*>(b), static_cast<double*>(out));
  } else {
    run_pairs(rows, columns, static_cast<float*>(a), static_cast<float*>(b), static_cast<float*>(out));
  }
}
// How many of these boxes are invalid for the loss of the call.
SCALOSS_EXPORT(countInvalid) int count_invalid_boxes(int is_float64, int rows, void* boxes) {
  return is_float64 ? count(static_cast<double*>(boxes), rows) : count(static_cast<float*>(boxes), rows);
}
