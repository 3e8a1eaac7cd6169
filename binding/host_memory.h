// Memory that the addon allocates for JavaScript.
#pragma once

#include <memory>

#include "../cuda/host_memory.h"
#include "node_api.h"

namespace scaloss {

struct HostMemoryHandle : Handle {
  explicit HostMemoryHandle(std::shared_ptr<HostMemory> m) : memory(std::move(m)) {}
  const std::shared_ptr<HostMemory> memory;
};

// allocate(bytes, pinned: boolean): [handle, ArrayBuffer], or undefined if the runtime allows no external buffers. The
// memory lives as long as either of them.
Napi::Value allocate_host_memory(const Arguments& arguments);

}  // namespace scaloss
