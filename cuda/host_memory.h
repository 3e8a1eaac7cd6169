// Memory of the host that the addon allocates: aligned, and pinned for copies to a GPU on request.
#pragma once

#include <cstddef>

namespace scaloss {

class HostMemory {
 public:
  // Of zeros. Throws std::bad_alloc, or CudaError where pinned.
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
