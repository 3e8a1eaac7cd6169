// An addon for Node on Linux that loads a Mach-O bundle for macOS, named by the environment variable MACHO, and hands
// it on to Node. So tests can run the code of the prebuilds for macOS. It does as much of what macOS does as these
// need: they ask for C, threads and Node-API only. It knows nothing of signatures, of dyld's checks or of the kernel.
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "image.h"

char* image;

void die(const char* what, const char* detail) {
  fprintf(stderr, "macho loader: %s %s\n", what, detail);
  abort();
}

namespace {

struct Header {
  uint32_t magic, cpu, cpu_kind, type, commands, commands_size, flags, reserved;
};
struct Part {
  uint32_t offset, size;
};
struct DyldInfo {
  uint32_t command, size;
  Part rebase, bind, weak_bind, lazy_bind, exports;
};
struct SymbolTable {
  uint32_t command, size, offset, count, strings, strings_size;
};
struct Symbol {
  uint32_t name;
  uint8_t type, section;
  uint16_t description;
  uint64_t value;
};

constexpr uint32_t kMagic64 = 0xfeedfacf, kSegment64 = 0x19, kSymbolTable = 0x2, kDyldInfo = 0x80000022;
constexpr uint32_t kInitialisers = 0x9, kThreadLocalValues = 0x11, kThreadLocalZeros = 0x12;

std::vector<const Segment*> segments;

const Section* sections_of(const Segment& segment) {
  return reinterpret_cast<const Section*>(&segment + 1);
}

template <class Body>
void for_each_section(Body body) {
  for (const Segment* segment : segments)
    for (uint32_t i = 0; i < segment->sections; ++i) body(sections_of(*segment)[i]);
}

const Section* section(const char* name) {
  const Section* found = nullptr;
  for_each_section([&](const Section& each) {
    if (strncmp(each.name, name, sizeof each.name) == 0) found = &each;
  });
  return found;
}

// Pointers in the file count from address 0. A program of instructions says where they are.
void rebase(const uint8_t* at, const uint8_t* end) {
  char* place = nullptr;
  const auto fix = [&](uint64_t times, uint64_t skip) {
    for (; times > 0; --times, place += 8 + skip) *reinterpret_cast<uint64_t*>(place) += uint64_t(image);
  };
  while (at < end) {
    const uint8_t code = *at & 0xf0, small = *at++ & 0x0f;
    uint64_t times;
    switch (code) {
      case 0x00:
        return;
      case 0x10:
        break;  // the type, which is always a pointer
      case 0x20:
        place = image + segments[small]->address + read_uleb(at);
        break;
      case 0x30:
        place += read_uleb(at);
        break;
      case 0x40:
        place += small * 8;
        break;
      case 0x50:
        fix(small, 0);
        break;
      case 0x60:
        fix(read_uleb(at), 0);
        break;
      case 0x70:
        fix(1, read_uleb(at));
        break;
      case 0x80:
        times = read_uleb(at), fix(times, read_uleb(at));
        break;
      default:
        die("unknown rebase instruction");
    }
  }
}

// Fills the pointers to functions and variables outside the file, likewise. The ones that macOS binds at their first
// call end each with an instruction that otherwise ends the program.
void bind(const uint8_t* at, const uint8_t* end, bool lazy = false) {
  char* place = nullptr;
  const char* name = nullptr;
  const auto fill = [&](uint64_t times, uint64_t skip) {
    for (; times > 0; --times, place += 8 + skip) *reinterpret_cast<void**>(place) = find_in_libsystem(name);
  };
  while (at < end) {
    const uint8_t code = *at & 0xf0, small = *at++ & 0x0f;
    uint64_t times;
    switch (code) {
      case 0x00:
        if (!lazy) return;
        break;
      case 0x10:
      case 0x30:
      case 0x50:
        break;  // the library, which is always libSystem or Node, and the type
      case 0x20:
        read_uleb(at);
        break;
      case 0x40:
        name = reinterpret_cast<const char*>(at), at += strlen(name) + 1;
        break;
      case 0x70:
        place = image + segments[small]->address + read_uleb(at);
        break;
      case 0x80:
        place += read_uleb(at);
        break;
      case 0x90:
        fill(1, 0);
        break;
      case 0xa0:
        fill(1, read_uleb(at));
        break;
      case 0xb0:
        fill(1, small * 8);
        break;
      case 0xc0:
        times = read_uleb(at), fill(times, read_uleb(at));
        break;
      default:
        die("unknown bind instruction");
    }
  }
}

using Register = void* (*)(void* env, void* exports);

Register load() {
  const char* const path = getenv("MACHO");
  if (path == nullptr) die("MACHO is not set");
  const int descriptor = open(path, O_RDONLY);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0) die("cannot open", path);
  void* const mapped = mmap(nullptr, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  close(descriptor);
  const uint8_t* const file = static_cast<const uint8_t*>(mapped);
  const Header& header = *reinterpret_cast<const Header*>(file);
  if (mapped == MAP_FAILED || header.magic != kMagic64) die("not a Mach-O file:", path);

  const DyldInfo* info = nullptr;
  const SymbolTable* table = nullptr;
  uint64_t size = 0;
  const uint8_t* command = file + sizeof header;
  for (uint32_t i = 0; i < header.commands; ++i, command += reinterpret_cast<const uint32_t*>(command)[1]) {
    switch (*reinterpret_cast<const uint32_t*>(command)) {
      case kSegment64:
        segments.push_back(reinterpret_cast<const Segment*>(command));
        size = std::max(size, segments.back()->address + segments.back()->bytes);
        break;
      case kDyldInfo:
        info = reinterpret_cast<const DyldInfo*>(command);
        break;
      case kSymbolTable:
        table = reinterpret_cast<const SymbolTable*>(command);
        break;
    }
  }
  if (info == nullptr || table == nullptr) die("no dyld info or no symbols:", path);

  const int rights = PROT_READ | PROT_WRITE | PROT_EXEC;
  image = static_cast<char*>(mmap(nullptr, size, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (const Segment* each : segments) memcpy(image + each->address, file + each->file_offset, each->file_bytes);
  const auto begin = [&](const Part& part) { return file + part.offset; };
  const auto end = [&](const Part& part) { return file + part.offset + part.size; };
  rebase(begin(info->rebase), end(info->rebase));
  bind(begin(info->bind), end(info->bind));
  bind(begin(info->lazy_bind), end(info->lazy_bind), true);
  if (info->weak_bind.size > 0) die("the file has weak symbols, which these addons have none of:", path);
  __builtin___clear_cache(image, image + size);

  const char* first = nullptr;
  uint64_t bytes = 0, bytes_with_zeros = 0;
  for_each_section([&](const Section& each) {
    if (each.type() != kThreadLocalValues && each.type() != kThreadLocalZeros) return;
    if (first == nullptr) first = image + each.address;
    bytes_with_zeros = image + each.address + each.size - first;
    if (each.type() == kThreadLocalValues) bytes = bytes_with_zeros;
  });
  set_thread_locals(first, bytes, bytes_with_zeros);

  const Section *const text = section("__text"), *const unwind_info = section("__unwind_info");
  if (text == nullptr || unwind_info == nullptr) die("no code or no unwind table:", path);
  register_unwind_info(*unwind_info, section("__eh_frame"), uint32_t(text->address + text->size));

  for_each_section([&](const Section& each) {
    if (each.type() != kInitialisers) return;
    const auto* const functions = reinterpret_cast<void (**)(int, char**, char**)>(image + each.address);
    for (uint64_t i = 0; i < each.size / 8; ++i) functions[i](0, nullptr, environ);
  });
  if (!image_stays_loaded()) die("macOS would unload this after the last worker that used it:", path);

  const Symbol* const symbols = reinterpret_cast<const Symbol*>(file + table->offset);
  for (uint32_t i = 0; i < table->count; ++i) {
    const char* const name = reinterpret_cast<const char*>(file) + table->strings + symbols[i].name;
    if (strcmp(name, "_napi_register_module_v1") == 0) return reinterpret_cast<Register>(image + symbols[i].value);
  }
  die("no entry point in", path);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void* env, void* exports) {
  static const Register entry = load();
  return entry(env, exports);
}

extern "C" __attribute__((visibility("default"))) int node_api_module_get_api_version_v1() {
  return 8;
}
