// A Mach-O file in memory, and the parts of the loader (loader.cpp).
#pragma once

#include <cstdint>

struct Segment {
  uint32_t command, size;
  char name[16];
  uint64_t address, bytes, file_offset, file_bytes;
  uint32_t most_protection, first_protection, sections, flags;
};

struct Section {
  char name[16], segment[16];
  uint64_t address, size;
  uint32_t file_offset, alignment, relocations, relocation_count, flags, reserved[3];
  uint32_t type() const { return flags & 0xff; }
};

extern char* image;  // Every address in the file counts from here.

[[noreturn]] void die(const char* what, const char* detail = "");

// libsystem.cpp: finds what this symbol stands for in macOS, or in Node.
void* find_in_libsystem(const char* symbol);
// Makes room for the thread-local variables of every thread. `bytes` from `first` on are their first values, of which
// the rest are zeros.
void set_thread_locals(const char* first, uint64_t bytes, uint64_t bytes_with_zeros);
// Whether the image has opened itself once more, so that macOS would not unload it.
bool image_stays_loaded();

// unwind.cpp: tells GCC's library for exceptions about the functions of the image.
void register_unwind_info(const Section& unwind_info, const Section* eh_frame, uint32_t text_end);

inline uint64_t read_uleb(const uint8_t*& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    value |= uint64_t(*at & 0x7f) << shift;
    if (!(*at++ & 0x80)) return value;
  }
}
