#include "block.h"

namespace scaloss {

constexpr int kMostThreads = 1 << 16;

void fail_block(const char* field) {
  throw ArgumentError{std::string("no such ") + field};
}

Block block_argument(const Arguments& arguments, int i) {
  return Block(arguments.numbers<double>(i, kFields));
}

Place place_of(const Block& block) {
  if (block[Field::device] == -1) return {-1, block.index(Field::threads, kMostThreads)};
  return {block.index(Field::device, int(probe_cuda().devices.size())), 1};
}

}  // namespace scaloss
