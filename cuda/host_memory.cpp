#include "host_memory.h"

#include <cstdlib>
#include <cstring>
#include <new>
#if defined(_WIN32)
#  include <malloc.h>
#endif

#include "backend.h"

namespace scaloss {

// The size of a cache line and of the widest vector.
constexpr size_t kAlignment = 64;

#if defined(_WIN32)
static char* allocate_aligned(size_t bytes) {
  return static_cast<char*>(_aligned_malloc(bytes, kAlignment));
}
static void free_aligned(char* data) {
  _aligned_free(data);
}
#else
static char* allocate_aligned(size_t bytes) {
  return static_cast<char*>(std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment));
}
static void free_aligned(char* data) {
  std::free(data);
}
#endif

HostMemory::HostMemory(size_t size, bool pinned)
    : bytes(size),
      pinned_(pinned),
      data_(pinned ? static_cast<char*>(cuda_allocate_pinned(size)) : allocate_aligned(size)) {
  if (data_ == nullptr) throw std::bad_alloc();
  memset(data_, 0, bytes);
}

HostMemory::~HostMemory() {
  pinned_ ? cuda_free_pinned(data_) : free_aligned(data_);
}

bool HostMemory::contains(const void* data, size_t size) const {
  const char* const first = static_cast<const char*>(data);
  return data_ <= first && first + size <= data_ + bytes;
}

}  // namespace scaloss
