// Losses of boxes made of any bits: every SIMD level gives the bits of the scalar one and writes where it should, no
// finite valid pair gives NaN, and what the reference can judge is right to some units in the last place.
//
// An input is kHeader bytes that choose loss, options and kind of numbers, then pairs of boxes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "../../support/call.h"
#include "judge.h"

namespace {

using namespace check;
using namespace scaloss;

constexpr size_t kHeader = 6;
constexpr size_t kMostRows = 40;
constexpr size_t kGuard = 2;  // rows after the last, which nobody may write

// How the bits of an input become coordinates.
enum class Numbers {
  bits,  // as they are
  grid,  // integers of few enough bits that no difference is rounded, times a power of two
  few,   // eight of these: ties, flat boxes, boxes that touch
  near,  // the target is the prediction but for its last bits
  kinds,
};

template <class T>
struct Traits;
template <>
struct Traits<float> {
  using Word = uint32_t;
  using Integer = int32_t;
  static constexpr int kGridShift = 11;
};
template <>
struct Traits<double> {
  using Word = uint64_t;
  using Integer = int64_t;
  static constexpr int kGridShift = 14;
};

struct Header {
  Variant variant;
  Demand demand;
  Numbers numbers;
  bool ordered;
  int exponent;
  bool judged;  // no factors and no conventions that the reference does not have
};

Header header_of(const uint8_t* bytes) {
  const int loss = bytes[0] % kLosses;
  const std::vector<Variant> variants = variants_of(loss);
  Header header = {variants[bytes[1] % variants.size()],
                   everything(),
                   Numbers(bytes[2] % int(Numbers::kinds)),
                   (bytes[2] & 0x80) == 0,
                   int8_t(bytes[3]),
                   false};
  const bool plain = (bytes[4] & 1) == 0;
  Demand& demand = header.demand;
  demand.weight = !plain && (bytes[4] & 2);
  demand.grad_output = !plain && (bytes[4] & 4);
  demand.grad_target = plain || (bytes[4] & 8);
  demand.ignore_invalid = !plain && (bytes[4] & 16);
  if (!plain) demand.loss_scale = -0.75;
  if (!plain) demand.grad_scale = bytes[4] & 32 ? 0 : -0.75;
  demand.format = Format(bytes[5] % (axes_of(loss) == 2 ? 4 : 3));
  header.judged = plain && demand.format == Format::xyxy && header.variant.params.epsilon == 0;
  return header;
}

template <class T>
T number_of(typename Traits<T>::Word word, const Header& header) {
  const auto integer = typename Traits<T>::Integer(word);
  switch (header.numbers) {
    case Numbers::grid:
      return std::ldexp(T(integer >> Traits<T>::kGridShift), header.exponent);
    case Numbers::few:
      return std::ldexp(T(integer & 7), header.exponent);
    default:
      return bit_cast<T>(word);
  }
}

// Fills the inputs, each row with numbers of its own as long as there are any.
template <class T>
void fill(const Inputs<T>& in, int axes, const Header& header, const uint8_t* data) {
  using Word = typename Traits<T>::Word;
  const int columns = 2 * axes;
  for (int64_t row = 0; row < in.rows; ++row) {
    T* const boxes[2] = {&in.pred[columns * row], &in.target[columns * row]};
    Word mixed = 0;
    for (int box = 0; box < 2; ++box) {
      for (int k = 0; k < columns; ++k, data += sizeof(Word)) {
        Word word;
        memcpy(&word, data, sizeof word);
        mixed = mixed * 5 + word;
        const bool is_near = box == 1 && header.numbers == Numbers::near;
        boxes[box][k] = is_near ? bit_cast<T>(Word(bit_cast<Word>(boxes[0][k]) + Word(int8_t(word) / 16)))
                                : number_of<T>(word, header);
      }
      if (!header.ordered) continue;
      for (int k = 0; k < axes; ++k) {
        const auto [low, high] = std::minmax(boxes[box][k], boxes[box][axes + k]);
        const T sorted[] = {low, high};
        boxes[box][k] = sorted[0];
        boxes[box][axes + k] = sorted[1];
      }
    }
    const T factors[] = {T(1), T(0), T(-0.5), T(3)};
    in.weight[row] = factors[mixed % 4];
    in.grad_output[row] = factors[mixed / 4 % 4];
  }
}

template <class T>
bool untouched(const Array<T>& array, size_t from) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(array.data());
  return std::all_of(bytes + from * sizeof(T), bytes + array.size() * sizeof(T),
                     [](unsigned char byte) { return byte == 0xff; });
}
template <class T>
void expect_guards(const std::string& who, const Outputs<T>& out, size_t rows, size_t columns) {
  expect(untouched(out.loss, rows) && untouched(out.iou, rows) && untouched(out.grad, columns * rows) &&
             (out.grad_target.size() == 0 || untouched(out.grad_target, columns * rows)),
         who + " writes after the last row");
}

// A row as text, for what a failure says.
template <class T>
std::string text_of(const Inputs<T>& in, int columns, size_t row) {
  std::string text;
  char number[40];
  for (const auto* boxes : {&in.pred, &in.target}) {
    text += boxes == &in.pred ? " pred" : ", target";
    for (int k = 0; k < columns; ++k) {
      snprintf(number, sizeof number, " %a", double((*boxes)[columns * row + k]));
      text += number;
    }
  }
  return text;
}

// Whether both boxes of a row are finite and ordered, in any format.
template <class T>
bool is_valid(const Inputs<T>& in, Format format, int axes, size_t row) {
  const auto valid = [&](auto count) {
    constexpr int D = decltype(count)::value;
    for (const T* box : {&in.pred[2 * D * row], &in.target[2 * D * row]}) {
      Row<T, D> numbers;
      std::copy(box, box + 2 * D, numbers.at);
      const Box<T, D> corners = decode(format, numbers);
      for (int k = 0; k < D; ++k) {
        const T first = corners.first[k], second = corners.second[k];
        if (!(std::isfinite(first) && std::isfinite(second) && first <= second)) return false;
      }
    }
    return true;
  };
  return axes == 2 ? valid(std::integral_constant<int, 2>()) : valid(std::integral_constant<int, 3>());
}

template <class T>
void expect_numbers(const Array<T>& array, size_t columns, size_t row, const std::string& what) {
  for (size_t k = 0; k < columns && array.size() > 0; ++k) {
    expect(!std::isnan(array[columns * row + k]), what + " is NaN");
  }
}

template <class T>
void run(const Header& header, const uint8_t* data, size_t size) {
  const int axes = axes_of(header.variant.params.loss), columns = 2 * axes;
  const size_t rows = std::min(kMostRows, size / (2 * columns * sizeof(T)));
  if (rows == 0) return;
  const Inputs<T> in(rows, axes);
  fill(in, axes, header, data);
  Outputs<T> scalar(header.demand, rows + kGuard, axes);
  run_cpu("scalar", header.variant, header.demand, in, scalar);
  expect_guards("scalar", scalar, rows, columns);
  for (const Level* level : available_levels()) {
    Outputs<T> out(header.demand, rows + kGuard, axes);
    run_cpu(level->name, header.variant, header.demand, in, out);
    expect_same(header.variant.name + ", " + level->name, scalar, out, in, axes);
  }
  for (size_t row = 0; row < rows; ++row) {
    if (!is_valid(in, header.demand.format, axes, row)) continue;
    try {
      expect_numbers(scalar.loss, 1, row, "loss");
      expect_numbers(scalar.iou, 1, row, "iou");
      expect_numbers(scalar.grad, columns, row, "grad");
      expect_numbers(scalar.grad_target, columns, row, "grad_target");
      if (header.judged) judge(header.variant, in, scalar, axes, row);
    } catch (const Failed& failed) {
      throw Failed{header.variant.name + ": " + failed.why + ":" + text_of(in, columns, row)};
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kHeader) return 0;
  const Header header = header_of(data);
  const bool is_float64 = data[5] & 0x80;
  try {
    if (is_float64) {
      run<double>(header, data + kHeader, size - kHeader);
    } else {
      run<float>(header, data + kHeader, size - kHeader);
    }
  } catch (const Failed& failed) {
    fprintf(stderr, "%s: %s\n", is_float64 ? "float64" : "float32", failed.why.c_str());
    abort();
  }
  return 0;
}
