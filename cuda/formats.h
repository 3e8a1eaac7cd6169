// Box formats as codecs: decode four numbers to corners on load, carry a corner gradient back on store (chain rule).
// The order is the contract with src/formats.ts.
#pragma once

#include "axis.h"

namespace scaloss {

enum class Format : int32_t {
  xyxy,    // x1, y1, x2, y2
  xywh,    // x1, y1, width, height
  cxcywh,  // centre x, centre y, width, height
  yxyx,    // y1, x1, y2, x2
};
#define SCALOSS_FORMATS(ROW) ROW(xyxy) ROW(xywh) ROW(cxcywh) ROW(yxyx)

// Four numbers as they lie in memory.
template <class N>
struct Quad {
  N at[4];
};

template <class N>
SCALOSS_FN Box<N> decode(Format format, const Quad<N>& q) {
  switch (format) {
    case Format::xywh:
      return {{q.at[0], q.at[1]}, {q.at[0] + q.at[2], q.at[1] + q.at[3]}};
    case Format::cxcywh: {
      const N half_width = q.at[2] * N(0.5f), half_height = q.at[3] * N(0.5f);
      return {{q.at[0] - half_width, q.at[1] - half_height}, {q.at[0] + half_width, q.at[1] + half_height}};
    }
    case Format::yxyx:
      return {{q.at[1], q.at[0]}, {q.at[3], q.at[2]}};
    case Format::xyxy:
      break;
  }
  return {{q.at[0], q.at[1]}, {q.at[2], q.at[3]}};
}

template <class N>
SCALOSS_FN Quad<N> encode_gradient(Format format, const Box<N>& g) {
  switch (format) {
    case Format::xywh:
      return {{g.first[0] + g.second[0], g.first[1] + g.second[1], g.second[0], g.second[1]}};
    case Format::cxcywh:
      return {{g.first[0] + g.second[0], g.first[1] + g.second[1], (g.second[0] - g.first[0]) * N(0.5f),
               (g.second[1] - g.first[1]) * N(0.5f)}};
    case Format::yxyx:
      return {{g.first[1], g.first[0], g.second[1], g.second[0]}};
    case Format::xyxy:
      break;
  }
  return {{g.first[0], g.first[1], g.second[0], g.second[1]}};
}

}  // namespace scaloss
