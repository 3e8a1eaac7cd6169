#pragma once

#include <string>

namespace check {

// What a check throws.
struct Failed {
  std::string why;
};
inline void expect(bool holds, const std::string& what) {
  if (!holds) throw Failed{what};
}

}  // namespace check
