// Exceptions: macOS describes the frames of most functions by 32 bits each, in __unwind_info. They are written again
// as DWARF here, which GCC's library for exceptions reads. The other functions have DWARF already, in __eh_frame.
#include <cstring>
#include <string>

#include "image.h"

extern "C" void __register_frame_table(const void** tables);

namespace {

#if defined(__x86_64__)
constexpr int kReturnAddress = 16, kFrameMode = 1, kFramelessMode = 2, kLargeFramelessMode = 3;
#else
constexpr int kReturnAddress = 30, kFramelessMode = 2, kFrameMode = 4;
#endif
constexpr uint32_t kHasExceptionTable = 0x40000000;

struct Function {
  uint32_t begin, end, encoding;
  void *personality, *exception_table;  // null where it has none
};

// Writes a table of DWARF.
class Table {
 public:
  void add(const Function& function);
  const std::string& finished() {
    u32(0);
    return bytes_;
  }

 private:
  void u8(int value) { bytes_.push_back(char(value)); }
  void u32(uint32_t value) { bytes_.append(reinterpret_cast<const char*>(&value), 4); }
  void u64(uint64_t value) { bytes_.append(reinterpret_cast<const char*>(&value), 8); }
  void uleb(uint64_t value) {
    for (; value >= 0x80; value >>= 7) u8(int(value & 0x7f) | 0x80);
    u8(int(value));
  }
  // Pads the entry that began at `start`, and writes its length there.
  void finish(size_t start) {
    while ((bytes_.size() - start) % 8 != 0) u8(0);
    const uint32_t length = uint32_t(bytes_.size() - start - 4);
    memcpy(&bytes_[start], &length, 4);
  }
  // The stack pointer of the caller is `offset` above this register.
  void caller_is_at(int reg, uint64_t offset) {
    u8(0x0c);
    uleb(reg);
    uleb(offset);
  }
  // The caller's value of a register lies this far below the caller's stack pointer.
  void saved(int reg, int below) {
    u8(0x05);
    uleb(reg);
    uleb(below / 8);
  }
  void describe(const Function& function);

  std::string bytes_;
};

void Table::add(const Function& function) {
  const bool handles = function.personality != nullptr;
  const size_t common = bytes_.size();
  u32(0);  // the length
  u32(0);
  u8(1);
  bytes_.append(handles ? "zPLR" : "zR", handles ? 5 : 3);
  uleb(1);
  u8(0x78);  // offsets count in -8 bytes
  uleb(kReturnAddress);
  uleb(handles ? 11 : 1);
  if (handles) {
    u8(0);  // this and the pointers below are absolute
    u64(uint64_t(function.personality));
    u8(0);
  }
  u8(0);
  finish(common);

  const size_t start = bytes_.size();
  u32(0);
  u32(uint32_t(bytes_.size() - common));
  u64(uint64_t(image + function.begin));
  u64(function.end - function.begin);
  uleb(handles ? 8 : 0);
  if (handles) u64(uint64_t(function.exception_table));
  describe(function);
  finish(start);
}

#if defined(__x86_64__)
constexpr int kRbp = 6, kRsp = 7;
constexpr int kSavedRegisters[] = {3, 12, 13, 14, 15, kRbp};  // rbx, r12 to r15, rbp

void Table::describe(const Function& function) {
  const uint32_t encoding = function.encoding, mode = encoding >> 24 & 0xf, eighths = encoding >> 16 & 0xff;
  if (mode == kFrameMode) {
    caller_is_at(kRbp, 16);
    saved(kReturnAddress, 8);
    saved(kRbp, 16);
    for (int i = 0; i < 5; ++i) {
      const int which = encoding >> 3 * i & 7;
      if (which != 0) saved(kSavedRegisters[which - 1], 16 + 8 * (int(eighths) - i));
    }
    return;
  }
  uint32_t size = 8 * eighths;
  if (mode == kLargeFramelessMode) {  // the size is an operand in the code
    memcpy(&size, image + function.begin + eighths, 4);
    size += 8 * (encoding >> 13 & 7);
  }
  caller_is_at(kRsp, size);
  saved(kReturnAddress, 8);
  // The order of the saved registers is the number of a permutation: each digit counts among those not yet named.
  int left[6];
  memcpy(left, kSavedRegisters, sizeof left);
  const int count = encoding >> 10 & 7;
  uint32_t permutation = encoding & 0x3ff;
  for (int i = 0; i < count; ++i) {
    uint32_t weight = 1;
    for (int k = i + 1; k < count; ++k) weight *= 6 - k;
    const uint32_t digit = permutation / weight;
    permutation %= weight;
    saved(left[digit], 8 * (1 + count - i));
    memmove(left + digit, left + digit + 1, (5 - digit) * sizeof *left);
  }
}
#else
constexpr int kFramePointer = 29, kStackPointer = 31;

void Table::describe(const Function& function) {
  const uint32_t encoding = function.encoding;
  int below = 8;
  if ((encoding >> 24 & 0xf) == kFrameMode) {
    caller_is_at(kFramePointer, 16);
    saved(kReturnAddress, 8);
    saved(kFramePointer, 16);
    below = 24;
  } else {
    caller_is_at(kStackPointer, 16 * (encoding >> 12 & 0xfff));
  }
  constexpr int kFirstOfPairs[] = {19, 21, 23, 25, 27, -1, -1, -1, 72, 74, 76, 78};  // x19 to x28, d8 to d15
  for (int i = 0; i < 12; ++i) {
    if (kFirstOfPairs[i] < 0 || !(encoding >> i & 1)) continue;
    saved(kFirstOfPairs[i], below);
    saved(kFirstOfPairs[i] + 1, below + 8);
    below += 16;
  }
}
#endif

bool is_described_here(uint32_t encoding) {
  const int mode = encoding >> 24 & 0xf;
#if defined(__x86_64__)
  return mode == kFrameMode || mode == kFramelessMode || mode == kLargeFramelessMode;
#else
  return mode == kFrameMode || mode == kFramelessMode;
#endif
}

struct UnwindInfo {
  uint32_t version, common, common_count, personalities, personality_count, pages, page_count;
};
struct FirstLevel {
  uint32_t begin, page, exception_tables;
};
struct SecondLevel {
  uint32_t kind;
  uint16_t entries, entry_count, encodings, encoding_count;
};

}  // namespace

void register_unwind_info(const Section& unwind_info, const Section* eh_frame, uint32_t text_end) {
  const char* const start = image + unwind_info.address;
  const auto words = [&](uint64_t offset) { return reinterpret_cast<const uint32_t*>(start + offset); };
  const UnwindInfo& info = *reinterpret_cast<const UnwindInfo*>(start);
  const FirstLevel* const pages = reinterpret_cast<const FirstLevel*>(start + info.pages);
  const uint32_t last = info.page_count - 1;  // says only where the one before it ends

  static Table table;
  Function function = {};
  // A function ends where the next one begins.
  const auto next = [&](uint32_t begin, uint32_t encoding) {
    function.end = begin;
    if (is_described_here(function.encoding)) table.add(function);
    function = {begin, 0, encoding, nullptr, nullptr};
    const uint32_t personality = encoding >> 28 & 3;
    if (personality != 0)
      function.personality = *reinterpret_cast<void**>(image + words(info.personalities)[personality - 1]);
    if (!(encoding & kHasExceptionTable)) return;
    const uint32_t* const end = words(pages[last].exception_tables);
    for (const uint32_t* entry = words(pages[0].exception_tables); entry < end; entry += 2)
      if (entry[0] == begin) function.exception_table = image + entry[1];
  };
  for (uint32_t i = 0; i < last; ++i) {
    const SecondLevel& page = *reinterpret_cast<const SecondLevel*>(start + pages[i].page);
    const uint32_t *const entries = words(pages[i].page + page.entries), *const common = words(info.common);
    const uint32_t* const encodings = words(pages[i].page + page.encodings);
    for (int k = 0; k < page.entry_count; ++k) {
      if (page.kind == 2) {
        next(entries[2 * k], entries[2 * k + 1]);
      } else {
        const uint32_t which = entries[k] >> 24;
        const bool is_common = which < info.common_count;
        next(pages[i].begin + (entries[k] & 0xffffff),
             is_common ? common[which] : encodings[which - info.common_count]);
      }
    }
  }
  next(text_end, 0);

  if (eh_frame != nullptr) {
    uint32_t terminator;
    memcpy(&terminator, image + eh_frame->address + eh_frame->size, 4);
    if (terminator != 0) die("__eh_frame is not the last section of its segment");
  }
  // Together, because each list is searched only for the range of its functions, and these overlap.
  static const void* tables[3] = {table.finished().data(), eh_frame ? image + eh_frame->address : nullptr, nullptr};
  __register_frame_table(tables);
}
