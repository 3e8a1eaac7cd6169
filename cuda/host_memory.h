// Host memory that the addon allocates. It is aligned and, on request, pinned for copies to a GPU.
#pragma once

#include <cstddef>

namespace scaloss {

class HostMemory {
 public:
  // The memory is filled with zeros. Throws std::bad_alloc, or CudaError if the memory is to be pinned.
  HostMemory(size_t bytes, bool pinned);
  ~HostMemory();
  HostMemory(const HostMemory&) = delete;

  bool contains(const void* data, size_t bytes) const;
  char* data() const { return data_; }
  const size_t bytes;

 private:
  const bool pinned_;
  char* data_;
};

}  // namespace scaloss
