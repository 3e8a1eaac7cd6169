// The CPU loop of headLoss over the rows of a tile, for one SIMD level. It decodes some packs of rows into a buffer,
// has the loss computed by the code of boxLoss, which writes its gradient to another buffer, and turns that into the
// gradient for the raw numbers. The buffers stay in the first-level cache, so memory is passed over once.
#pragma once

#include "head_rows.h"
#include "level.h"
#include "tiles.h"

namespace scaloss {
namespace {

// Rows that are decoded at a time.
constexpr int kDecoded = 128;

// What the gradients of a row are multiplied with; 0 if the row has weight 0.
template <class N, class T>
SCALOSS_FN N row_factor(const HeadRows<N, T>& rows, T scale) {
  const BoxLossJob<T>& job = rows.job.loss;
  N factor(scale);
  if (job.grad_output != nullptr) factor = factor * rows.value(job.grad_output);
  if (job.weight == nullptr) return factor;
  const N weight = rows.value(job.weight);
  return select(weight == N(0), N(0), factor * weight);
}

// Whether a box is one that the loss accepts.
template <class N, class T>
SCALOSS_FN MaskOf<N> is_accepted(const BoxLossJob<T>& job, const Box<N>& box) {
  MaskOf<N> ordered(true), finite(true);
  for (int k = 0; k < 2; ++k) {
    finite = finite & finite_number(box.first[k]) & finite_number(box.second[k]);
    ordered = ordered & (box.first[k] <= box.second[k]);
  }
  return finite & MaskOf<N>(ordered | MaskOf<N>(job.params.any_order != 0));
}

// The buffers of the rows that are being computed, and the call of boxLoss over them.
template <class T>
struct HeadBuffers {
  T boxes[4 * kDecoded], target[4 * kDecoded], grad[4 * kDecoded], grad_target[4 * kDecoded];

  // `needs_grad`: whether the gradient for the boxes goes on to raw numbers.
  BoxLossJob<T> part(const HeadJob<T>& job, int64_t first, int rows) {
    BoxLossJob<T> part = job.loss;
    const auto shift = [=](auto*& array, int columns) {
      if (array != nullptr) array += columns * first;
    };
    part.boxes = rows;
    part.format = Format::xyxy;
    part.pred = boxes;
    part.grad = job.grad ? grad : nullptr;
    shift(part.target, 4);
    shift(part.weight, 1);
    shift(part.grad_output, 1);
    shift(part.loss, 1);
    shift(part.grad_target, 4);
    shift(part.iou, 1);
    if (job.loss.format != Format::xyxy) {
      for (int i = 0; i < rows; ++i) {
        const auto box = decode(job.loss.format, Rows<T>::template load_rows<2>(part.target + 4 * i));
        Rows<T>::store_rows(target + 4 * i, encode_gradient(Format::xyxy, box), Stores::cached);
      }
      part.target = target;
      if (part.grad_target != nullptr) part.grad_target = grad_target;
    }
    return part;
  }

  // Writes the gradient for targets in another format.
  void finish(const HeadJob<T>& job, int64_t first, int rows) const {
    if (job.loss.format == Format::xyxy || job.loss.grad_target == nullptr) return;
    for (int i = 0; i < rows; ++i) {
      const auto box = decode(Format::xyxy, Rows<T>::template load_rows<2>(grad_target + 4 * i));
      Rows<T>::store_rows(job.loss.grad_target + 4 * (first + i), encode_gradient(job.loss.format, box),
                          Stores::cached);
    }
  }
};

// Has the loss of decoded rows computed by the code of boxLoss.
template <class N, class T>
SCALOSS_FN int64_t run_decoded(const BoxLossJob<T>& part, double* lanes, PacksFunction<T> run_packs) {
  constexpr int W = Rows<N>::kWidth;
  const int packs = int(part.boxes) / W, rest = int(part.boxes) % W;
  int64_t invalid = run_packs(part, 0, packs, lanes, Stores::cached);
  if (rest > 0) invalid += run_last_rows<W, 4>(part, packs * W, rest, lanes + packs * W, run_packs);
  return invalid;
}

// The rows of a pack whose raw numbers led out of the range and that boxLoss has not counted as invalid.
template <class N, class T>
SCALOSS_FN int64_t count_saturated(MaskOf<N> saturated, const BoxLossJob<T>& part, int first, int rows) {
  if (all(!saturated)) return 0;
  const auto target = [&](int i) { return part.target + 4 * (first + (i < rows ? i : rows - 1)); };
  const auto box = [&](int i) { return part.pred + 4 * (first + (i < rows ? i : rows - 1)); };
  const MaskOf<N> counted = is_accepted(part, decode(Format::xyxy, Rows<N>::gather_rows(target))) &
                            is_accepted(part, decode(Format::xyxy, Rows<N>::gather_rows(box))) & saturated;
  typename Rows<N>::T flags[Rows<N>::kWidth];
  Rows<N>::store(flags, select(counted, N(1), N(0)), Stores::cached);
  int64_t count = 0;
  for (int i = 0; i < rows; ++i) count += flags[i] != 0;
  return count;
}

// The gradient for the raw numbers, or for the distances of `dfl`, from that for the boxes.
template <class N, class T>
SCALOSS_FN Row<N> raw_gradient(const HeadRows<N, T>& pack, const Decoded<N>& decoded, const Box<N>& gradient) {
  const HeadJob<T>& job = pack.job;
  const Row<N> of_numbers = number_gradient(job.coder, gradient), row = through(decoded, of_numbers);
  const N zeros = (row.at[0] * N(0) + row.at[1] * N(0)) + (row.at[2] * N(0) + row.at[3] * N(0));
  if (all(decoded.finite & decoded.in_range & (zeros == N(0)))) return row;
  N factor = row_factor(pack, job.loss.ignore_all ? T(0) : job.loss.grad_scale);
  // A row that is ignored because it left the range counts 0.
  if (job.loss.ignore_invalid) factor = select(decoded.finite & decoded.in_range, factor, N(0));
  return any_through(job.coder, decoded, of_numbers, factor);
}

// Rows of four raw numbers.
template <class N, class T>
int64_t run_head_rows(const HeadJob<T>& job, int64_t first, int rows, double* lanes, PacksFunction<T> run_packs) {
  constexpr int W = Rows<N>::kWidth, kPacks = kDecoded / W;
  HeadBuffers<T> buffers;
  Decoded<N> decoded[kPacks];
  const int packs = (rows + W - 1) / W;
  const auto pack_of = [&](int k) { return HeadRows<N, T>{job, first + k * W, rows - k * W < W ? rows - k * W : W}; };
  for (int k = 0; k < packs; ++k) {
    const HeadRows<N, T> pack = pack_of(k);
    N prior[kMostPriorColumns];
    pack.prior(prior);
    decoded[k] = decode_raw(job.coder, pack.raw(), prior);
    const bool usual = all(decoded[k].finite & decoded[k].in_range);
    const Box<N> box = usual ? corners_of(job.coder, decoded[k], prior)
                             : any_corners_of(job.coder, decoded[k], prior, job.loss.ignore_invalid != 0);
    Rows<N>::store_rows(buffers.boxes + 4 * W * k, encode_gradient(Format::xyxy, box), Stores::cached);
  }
  if (job.boxes != nullptr) memcpy(job.boxes + 4 * first, buffers.boxes, 4 * rows * sizeof(T));
  if (run_packs == nullptr) return 0;
  const BoxLossJob<T> part = buffers.part(job, first, rows);
  int64_t invalid = run_decoded<N>(part, lanes, run_packs);
  for (int k = 0; k < packs; ++k) {
    const HeadRows<N, T> pack = pack_of(k);
    const MaskOf<N> left_range = decoded[k].finite & !decoded[k].in_range;
    invalid += count_saturated<N>(left_range, part, k * W, pack.rows);
    if (job.grad == nullptr) continue;
    const auto gradient = decode(Format::xyxy, Rows<N>::template load_rows<2>(buffers.grad + 4 * W * k));
    const Row<N> row = raw_gradient(pack, decoded[k], gradient);
    if (pack.rows == W) {
      Rows<N>::store_rows(job.grad + 4 * pack.first, row, Stores::cached);
    } else {
      store_four(row, pack.rows, [&](int i) { return job.grad + 4 * (pack.first + i); });
    }
  }
  buffers.finish(job, first, rows);
  return invalid;
}

// The targets' distances from the point of the prior to side `side` (left, top, right, bottom), in strides.
template <class N>
SCALOSS_FN N target_distance(const Box<N>& target, const N* prior, int side) {
  const int k = side % 2;
  return (side < 2 ? prior[k] - target.first[k] : target.second[k] - prior[k]) / prior[2];
}

// Adds the cross entropies of the two bins to the lanes and, if there is one loss per row, to the losses. Rows outside
// of `counts` count 0.
template <class N, class T>
SCALOSS_FN void add_two_bin_losses(const HeadRows<N, T>& pack, const BoxLossJob<T>& part, const Decoded<N>& decoded,
                                   const Side<N> (&sides)[4], const Box<N>& target, MaskOf<N> counts, double* lanes) {
  N loss(0);
  for (const Side<N>& side : sides) loss = loss + N(0.25f) * side.cross_entropy;
  MaskOf<N> known = decoded.finite;
  for (int k = 0; k < 2; ++k) known = known & finite_number(target.first[k]) & finite_number(target.second[k]);
  loss = select(known, loss, N(Ieee<T>::kNaN));
  if (part.weight != nullptr) {
    const N weight = pack.value(pack.job.loss.weight);
    counts = counts & !(weight == N(0));
    loss = loss * weight;
  }
  T losses[Rows<N>::kWidth];
  Rows<N>::store(losses, select(counts, loss, N(0)), Stores::cached);
  for (int i = 0; i < pack.rows; ++i) {
    lanes[i] += double(losses[i]);
    if (part.loss != nullptr && losses[i] != 0) part.loss[i] += losses[i] * pack.job.dfl_loss_scale;
  }
}

// One pack of rows of distances with bins. `dfl_lanes` receives the cross entropy of the two bins.
template <class N, class T>
int64_t run_dfl_rows(const HeadJob<T>& job, int64_t first, int rows, double* lanes, double* dfl_lanes,
                     PacksFunction<T> run_packs) {
  const CoderParams<T>& coder = job.coder;
  const HeadRows<N, T> pack = {job, first, rows};
  HeadBuffers<T> buffers;
  const BoxLossJob<T> part = run_packs == nullptr ? job.loss : buffers.part(job, first, rows);
  N prior[kMostPriorColumns];
  pack.prior(prior);
  const bool has_dfl = run_packs != nullptr && job.dfl_sum_scale != 0;
  Box<N> target;
  if (has_dfl) {
    target =
        decode(Format::xyxy, Rows<N>::gather_rows([&](int i) { return part.target + 4 * (i < rows ? i : rows - 1); }));
  }
  N logits[4 * kMostBins];
  for (int four = 0; four < 4 * coder.bins; four += 4) pack.logits(four, logits + four);
  Side<N> sides[4];
  TwoBins<N> bins[4];
  Decoded<N> decoded;
  decoded.finite = MaskOf<N>(true);
  for (int side = 0; side < 4; ++side) {
    if (has_dfl) bins[side] = two_bins(coder, target_distance(target, prior, side));
    sides[side] = evaluate_side(coder, job.project, logits + coder.bins * side, has_dfl ? &bins[side] : nullptr);
    decoded.numbers[side] = {prior[2] * sides[side].distance, prior[2]};
    decoded.finite = decoded.finite & sides[side].finite;
  }
  find_range(coder, decoded);
  const Box<N> box = any_corners_of(coder, decoded, prior, job.loss.ignore_invalid != 0);
  Rows<N>::store_rows(buffers.boxes, encode_gradient(Format::xyxy, box), Stores::cached);
  if (job.boxes != nullptr) memcpy(job.boxes + 4 * first, buffers.boxes, 4 * rows * sizeof(T));
  if (run_packs == nullptr) return 0;
  int64_t invalid = run_decoded<N>(part, lanes, run_packs);
  invalid += count_saturated<N>(decoded.finite & !decoded.in_range, part, 0, rows);

  MaskOf<N> counts(true);
  if (job.loss.ignore_invalid) counts = is_accepted(part, box) & (has_dfl ? is_accepted(part, target) : counts);
  if (has_dfl) add_two_bin_losses(pack, part, decoded, sides, target, counts, dfl_lanes);
  if (job.grad != nullptr) {
    const auto gradient = decode(Format::xyxy, Rows<N>::template load_rows<2>(buffers.grad));
    const Row<N> by_distance = raw_gradient(pack, decoded, gradient);
    const N dfl_factor = select(counts, N(0.25f) * row_factor(pack, job.dfl_grad_scale), N(0));
    for (int side = 0; side < 4; ++side) {
      side_gradient(coder, job.project, sides[side], by_distance.at[side], logits + coder.bins * side,
                    has_dfl ? &bins[side] : nullptr, dfl_factor);
    }
    const int columns = raw_columns(coder);
    for (int four = 0; four < columns; four += 4) {
      const Row<N> row = {{logits[four], logits[four + 1], logits[four + 2], logits[four + 3]}};
      store_four(row, rows, [&](int i) { return job.grad + columns * (first + i) + four; });
    }
  }
  buffers.finish(job, first, rows);
  return invalid;
}

// The sums of the losses of the boxes and of the two bins over one tile, and its invalid rows. Without `run_packs` the
// boxes alone are decoded. All coders of four numbers share one loop: one for each of them would be a little quicker,
// and make the addon larger by a tenth.
template <class N, class T>
HeadTileSum run_head_tile(const HeadJob<T>& job, int64_t tile, PacksFunction<T> run_packs) {
  const bool has_bins = job.coder.kind == Coder::dfl;
  const int step = has_bins ? Rows<N>::kWidth : kDecoded;
  const int64_t begin = tile * kTile;
  const int rows = int(job.loss.boxes - begin < kTile ? job.loss.boxes - begin : kTile);
  double lanes[kLanes], dfl_lanes[kLanes];
  clear_lanes(lanes, kLanes);
  clear_lanes(dfl_lanes, kLanes);
  int64_t invalid = 0;
  for (int row = 0; row < rows; row += step) {
    const int count = rows - row < step ? rows - row : step, lane = row % kLanes;
    invalid += has_bins ? run_dfl_rows<N>(job, begin + row, count, lanes + lane, dfl_lanes + lane, run_packs)
                        : run_head_rows<N>(job, begin + row, count, lanes + lane, run_packs);
  }
  return {tree_sum(lanes, kLanes), tree_sum(dfl_lanes, kLanes), invalid};
}

}  // namespace
}  // namespace scaloss
