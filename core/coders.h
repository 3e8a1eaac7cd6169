// How the raw numbers of a detection head become a box, and how the gradient of the box goes back to them.
//
// Every number of a box, a centre, a size or a distance, is a function of one raw number: an affine function, an
// exponential, a sigmoid or the square of one. So a coder is four such functions with their slopes, an affine step from
// the four numbers to the corners, and the transpose of that step. Heads of distances with bins are in dfl.h.
#pragma once

#include <iterator>

#include "box.h"
#include "elementary.h"
#include "formats.h"

namespace scaloss {

// The order of the coders is the contract with src/core/coders.ts, which says what each of them means.
enum class Coder : int32_t { deltas, yolov3, yolov5, yolox, ltrb, dfl, detr };
constexpr int kCoders = int(Coder::detr) + 1;
enum class Activation : int32_t { exp, relu, linear };
constexpr int kActivations = int(Activation::linear) + 1;
constexpr int kMostPriorColumns = 5;
constexpr int kMostBins = 64;

// The options of a coder. Each coder reads its own.
template <class T>
struct CoderParams {
  Coder kind;
  Activation activation;         // ltrb
  int32_t is_yxhw;               // deltas: the raw numbers are dy, dx, dh, dw
  int32_t bins;                  // dfl
  int32_t prior_columns;         // the numbers of a prior; 0 for detr without references
  T means[4], stds[4];           // deltas, in the order of the raw numbers
  T min_log_size, max_log_size;  // deltas
  T scale_xy;                    // yolov3
  T image_width, image_height;   // detr
  T eps;                         // detr: references are kept so far from 0 and 1
  T target_clamp;                // dfl: the largest distance of a target, in strides
};

// The range of sizes, and of other numbers up to its end. It is that of numbers whose squares and quotients can be
// computed with. Raw numbers that lead out of it give the number at its end, and their rows are not valid.
template <class T>
struct DecodedRange;
template <>
struct DecodedRange<float> {
  static constexpr float kLeast = 0x1p-60f, kMost = 0x1p60f;
  static constexpr float kExponent = 80;  // exp of more or less leaves the range, unless times 2^-55 or 2^55
};
template <>
struct DecodedRange<double> {
  static constexpr double kLeast = 0x1p-500, kMost = 0x1p500;
  static constexpr double kExponent = 700;
};

// A number of a box as a function of a raw number t.
template <class N>
struct Mapped {
  N value;
  N slope;  // d value / d t
};

// exp(t), for t up to a number whose exponential is outside of every range.
template <class N>
SCALOSS_FN N exp_in_range(N t) {
  const N most(DecodedRange<StorageOf<N>>::kExponent);
  return exp_of_moderate(smaller(most, larger(-most, t))).value;
}

// scale exp(t)
template <class N>
SCALOSS_FN Mapped<N> exponential(N t, N scale) {
  const N value = scale * exp_in_range(t);
  return {value, value};
}

// A distance of a raw number of strides.
template <class N>
SCALOSS_FN Mapped<N> distance(Activation activation, N t, N stride) {
  switch (activation) {
    case Activation::exp:
      return exponential(t, stride);
    case Activation::relu:
      return {stride * larger(t, N(0)), select(t > N(0), stride, N(0))};
    case Activation::linear:
      break;
  }
  return {stride * t, stride};
}

template <class N>
struct Sigmoid {
  N value;       // 1 / (1 + exp(-t))
  N complement;  // 1 - value with all its digits
  SCALOSS_FN N slope() const { return value * complement; }
};
template <class N>
SCALOSS_FN Sigmoid<N> sigmoid(N t) {
  const N e = exp_in_range(-absolute(t)), large = N(1) / (N(1) + e), small = e * large;
  const MaskOf<N> negative = t < N(0);
  return {select(negative, small, large), select(negative, large, small)};
}

// The sigmoid of t + log(a / b), where a and b are a reference x and 1 - x, both kept at least eps. This is a e^t /
// (a e^t + b). Without the logarithm no digits of a reference near 0 or 1 are lost.
template <class N>
SCALOSS_FN Sigmoid<N> sigmoid_from(N reference, N eps, N t) {
  const N inside = smaller(N(1), larger(N(0), reference));
  const N a = larger(inside, eps), b = larger(N(1) - inside, eps);
  const N e = exp_in_range(-absolute(t));
  const MaskOf<N> negative = t < N(0);
  const N above = select(negative, a * e, a), below = select(negative, b, b * e), sum = above + below;
  return {above / sum, below / sum};
}

// What the raw numbers of one row mean. Number k belongs to raw number k.
template <class N>
struct Decoded {
  Mapped<N> numbers[4];
  MaskOf<N> finite;    // all raw numbers
  MaskOf<N> in_range;  // all numbers of the box
};

template <class N>
SCALOSS_FN MaskOf<N> finite_number(N x) {
  return x - x == N(0);
}

// Whether the numbers are distances from a point to the sides, rather than a centre and a size.
SCALOSS_FN bool has_distances(Coder kind) {
  return kind == Coder::ltrb || kind == Coder::dfl;
}

// The position of the raw number for axis k among the two of its kind.
template <class T>
SCALOSS_FN int raw_axis(const CoderParams<T>& params, int k) {
  return params.kind == Coder::deltas && params.is_yxhw ? 1 - k : k;
}

// The least value that the number of raw number k may have.
template <class N, class T>
SCALOSS_FN N least_of(const CoderParams<T>& params, int k) {
  using R = DecodedRange<StorageOf<N>>;
  const bool exponential = params.kind == Coder::ltrb && params.activation == Activation::exp;
  return N(exponential || (!has_distances(params.kind) && k >= 2) ? R::kLeast : -R::kMost);
}

template <class N, class T>
SCALOSS_FN void find_range(const CoderParams<T>& params, Decoded<N>& decoded) {
  MaskOf<N> inside(true);
  for (int k = 0; k < 4; ++k) {
    const N value = decoded.numbers[k].value;
    inside = inside & (value <= N(DecodedRange<StorageOf<N>>::kMost)) & (value >= least_of<N>(params, k));
  }
  decoded.in_range = inside;
}

template <class N, class T>
SCALOSS_FN Decoded<N> decode_raw(const CoderParams<T>& params, const Row<N>& raw, const N* prior) {
  Decoded<N> decoded;
  for (int k = 0; k < 2; ++k) {
    const int i = raw_axis(params, k);
    const N a = raw.at[i], b = raw.at[2 + i];
    Mapped<N>& first = decoded.numbers[i];
    Mapped<N>& second = decoded.numbers[2 + i];
    switch (params.kind) {
      case Coder::deltas: {
        const N extent = prior[2 + k] - prior[k], centre = prior[k] + N(0.5f) * extent;
        const N shift = a * N(params.stds[i]) + N(params.means[i]);
        first = {centre + shift * extent, N(params.stds[i]) * extent};
        const N log_size = b * N(params.stds[2 + i]) + N(params.means[2 + i]);
        const N least(params.min_log_size), most(params.max_log_size);
        second = exponential(smaller(most, larger(least, log_size)), extent);
        const MaskOf<N> inside = (log_size >= least) & (log_size <= most);
        second.slope = select(inside, second.slope * N(params.stds[2 + i]), N(0));
        break;
      }
      case Coder::yolov3: {
        const N stride = prior[2], s(params.scale_xy);
        const Sigmoid<N> at = sigmoid(a);
        first = {prior[k] + stride * (s * at.value - N(0.5f) * (s - N(1))), stride * (s * at.slope())};
        second = exponential(b, prior[3 + k]);
        break;
      }
      case Coder::yolov5: {
        const N stride = prior[2];
        const Sigmoid<N> at = sigmoid(a), wide = sigmoid(b);
        first = {prior[k] + stride * (N(2) * at.value - N(0.5f)), stride * (N(2) * at.slope())};
        const N value = prior[3 + k] * (N(4) * (wide.value * wide.value));
        second = {value, N(2) * value * wide.complement};
        break;
      }
      case Coder::yolox:
        first = {prior[k] + prior[2] * a, prior[2]};
        second = exponential(b, prior[2]);
        break;
      case Coder::ltrb:
        first = distance(params.activation, a, prior[2]);
        second = distance(params.activation, b, prior[2]);
        break;
      case Coder::detr: {
        const N image(k == 0 ? params.image_width : params.image_height), eps(params.eps);
        const bool has_reference = params.prior_columns > 0;
        const Sigmoid<N> at = has_reference ? sigmoid_from(prior[k], eps, a) : sigmoid(a);
        const Sigmoid<N> wide = has_reference ? sigmoid_from(prior[2 + k], eps, b) : sigmoid(b);
        first = {image * at.value, image * at.slope()};
        second = {image * wide.value, image * wide.slope()};
        break;
      }
      case Coder::dfl:
        break;
    }
  }
  // 0 times a NaN or an infinity is NaN.
  decoded.finite = (raw.at[0] * N(0) + raw.at[1] * N(0)) + (raw.at[2] * N(0) + raw.at[3] * N(0)) == N(0);
  find_range(params, decoded);
  return decoded;
}

// The corners, of rows that are finite and in range.
template <class N, class T>
SCALOSS_FN Box<N> corners_of(const CoderParams<T>& params, const Decoded<N>& decoded, const N* prior) {
  Box<N> box;
  for (int k = 0; k < 2; ++k) {
    const int i = raw_axis(params, k);
    const N a = decoded.numbers[i].value, b = decoded.numbers[2 + i].value;
    const bool distances = has_distances(params.kind);
    box.first[k] = distances ? prior[k] - a : a - N(0.5f) * b;
    box.second[k] = distances ? prior[k] + b : a + N(0.5f) * b;
  }
  return box;
}

// The corners of any row. Rows that are not finite are NaN, and so are rows that leave the range if `ignore` is set.
template <class N, class T>
SCALOSS_FN Box<N> any_corners_of(const CoderParams<T>& params, const Decoded<N>& decoded, const N* prior, bool ignore) {
  Decoded<N> limited = decoded;
  for (int k = 0; k < 4; ++k) {
    using R = DecodedRange<StorageOf<N>>;
    N& value = limited.numbers[k].value;
    value = smaller(N(R::kMost), larger(least_of<N>(params, k), value));
  }
  Box<N> box = corners_of(params, limited, prior);
  const MaskOf<N> known = ignore ? MaskOf<N>(decoded.finite & decoded.in_range) : decoded.finite;
  const N nan(Ieee<StorageOf<N>>::kNaN);
  for (int k = 0; k < 2; ++k) {
    box.first[k] = select(known, box.first[k], nan);
    box.second[k] = select(known, box.second[k], nan);
  }
  return box;
}

// The gradient for the numbers of the box, in the order of the raw numbers, from that for the corners.
template <class N, class T>
SCALOSS_FN Row<N> number_gradient(const CoderParams<T>& params, const Box<N>& gradient) {
  Row<N> row;
  for (int k = 0; k < 2; ++k) {
    const int i = raw_axis(params, k);
    const N a = gradient.first[k], b = gradient.second[k];
    const bool distances = has_distances(params.kind);
    row.at[i] = distances ? -a : a + b;
    row.at[2 + i] = distances ? b : N(0.5f) * (b - a);
  }
  return row;
}

// The gradient for the raw numbers, of rows in range. It may overflow.
template <class N>
SCALOSS_FN Row<N> through(const Decoded<N>& decoded, const Row<N>& gradient) {
  Row<N> row;
  for (int k = 0; k < 4; ++k) row.at[k] = decoded.numbers[k].slope * gradient.at[k];
  return row;
}

// The same of any row. Where a raw number led out of the range, the slope there is of no use: it is nearly 0 or leads
// further out. The gradient is then that of a loss which falls by 1 for each step of 1 towards the range. `factor`
// multiplies all gradients of the row; it is 0 if the row counts 0.
template <class N, class T>
SCALOSS_FN Row<N> any_through(const CoderParams<T>& params, const Decoded<N>& decoded, const Row<N>& gradient,
                              N factor) {
  Row<N> row = through(decoded, gradient);
  for (int k = 0; k < 4; ++k) {
    const N g = gradient.at[k], value = decoded.numbers[k].value;
    // A gradient of 0 stays 0 and NaN stays NaN, whatever the slope is.
    const N inside = select((g == N(0)) | !(g == g), g, finite_sum(row.at[k]));
    const MaskOf<N> high = decoded.finite & (value > N(DecodedRange<StorageOf<N>>::kMost));
    const MaskOf<N> low = decoded.finite & (value < least_of<N>(params, k));
    row.at[k] = select(high, factor, select(low, -factor, inside));
  }
  return row;
}

}  // namespace scaloss
