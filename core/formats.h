// Box formats as codecs: they decode the numbers of a box to corners on load, and convert the gradient of the corners
// back on store (chain rule). The order of the formats is the contract with src/core/formats.ts.
#pragma once

#include <iterator>

#include "axis.h"

namespace scaloss {

// With three axes each part has three numbers, and yxyx is not supported.
enum class Format : int32_t {
  xyxy,    // x1, y1, x2, y2
  xywh,    // x1, y1, width, height
  cxcywh,  // centre x, centre y, width, height
  yxyx,    // y1, x1, y2, x2
};
// The names by position in the enumeration.
constexpr const char* kFormatNames[] = {"xyxy", "xywh", "cxcywh", "yxyx"};
constexpr int kFormats = int(std::size(kFormatNames));
static_assert(kFormats == int(Format::yxyx) + 1, "every format has a name");

// The numbers of a box as they lie in memory.
template <class N, int D = 2>
struct Row {
  N at[2 * D];
};

template <class N, int D>
SCALOSS_FN Box<N, D> decode(Format format, const Row<N, D>& row) {
  Box<N, D> box;
  for (int k = 0; k < D; ++k) {
    const N a = row.at[k], b = row.at[D + k];
    box.first[k] = a;
    box.second[k] = b;
    switch (format) {
      case Format::xyxy:
        break;
      case Format::xywh:
        box.second[k] = a + b;
        break;
      case Format::cxcywh: {
        const N half = b * N(0.5f);
        box.first[k] = a - half;
        box.second[k] = a + half;
        break;
      }
      case Format::yxyx:
        box.first[k] = row.at[D - 1 - k];
        box.second[k] = row.at[2 * D - 1 - k];
        break;
    }
  }
  return box;
}

template <class N, int D>
SCALOSS_FN Row<N, D> encode_gradient(Format format, const Box<N, D>& gradient) {
  Row<N, D> row;
  for (int k = 0; k < D; ++k) {
    const N a = gradient.first[k], b = gradient.second[k];
    row.at[k] = a;
    row.at[D + k] = b;
    switch (format) {
      case Format::xyxy:
        break;
      case Format::xywh:
        row.at[k] = a + b;
        break;
      case Format::cxcywh:
        row.at[k] = a + b;
        row.at[D + k] = (b - a) * N(0.5f);
        break;
      case Format::yxyx:
        row.at[k] = gradient.first[D - 1 - k];
        row.at[D + k] = gradient.second[D - 1 - k];
        break;
    }
  }
  return row;
}

}  // namespace scaloss
