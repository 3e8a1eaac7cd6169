// Memory of the host that the addon allocates for JavaScript: aligned, and pinned for copies to a GPU on request.
#pragma once

#include <memory>

#include "handle.h"

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

struct HostMemoryHandle : Handle {
  explicit HostMemoryHandle(std::shared_ptr<HostMemory> m) : memory(std::move(m)) {}
  const std::shared_ptr<HostMemory> memory;
};

// allocate(bytes, pinned: boolean): [handle, ArrayBuffer] | undefined where the runtime allows no external buffers. The
// memory lives as long as either.
napi_value allocate_host_memory(napi_env env, napi_callback_info info);

}  // namespace scaloss
