// Memory of the emulated CUDA runtime: host memory, with what a device would refuse or get wrong made to show. Every
// allocation is of its own, full of NaN before its first use and after its last.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime.h"

struct CUmemPoolHandle_st {
  const int device;
  uint64_t threshold = 0;  // what it keeps of unused memory when a call waits
  uint64_t used = 0;
  uint64_t reserved = 0;

  void keep(uint64_t bytes) { reserved = std::max(used, std::min(reserved, bytes)); }
};

namespace emulator {
namespace {

constexpr int kPoison = 0xff;

struct Allocation {
  char* begin;
  size_t bytes;
  cudaMemoryType type;
  int device;
  std::shared_ptr<CUmemPoolHandle_st> pool;
  bool freed = false;   // by a call: no other may name it any more
  bool is_live = true;  // its memory is there

  bool holds(const void* pointer, size_t length) const {
    const size_t offset = size_t(static_cast<const char*>(pointer) - begin);
    return offset <= bytes && length <= bytes - offset;
  }
};
using Owner = std::shared_ptr<Allocation>;

std::map<const char*, Owner>& allocations() {
  static auto* allocations = new std::map<const char*, Owner>;
  return *allocations;
}
std::vector<std::shared_ptr<CUmemPoolHandle_st>>& pools() {
  static auto* pools = new std::vector<std::shared_ptr<CUmemPoolHandle_st>>;
  return *pools;
}
std::shared_ptr<CUmemPoolHandle_st> find(cudaMemPool_t pool) {
  for (const auto& each : pools()) {
    if (each.get() == pool) return each;
  }
  return nullptr;
}

// The allocation that the pointer points into.
Owner find(const void* pointer) {
  const auto next = allocations().upper_bound(static_cast<const char*>(pointer));
  if (next == allocations().begin()) return nullptr;
  const Owner& owner = std::prev(next)->second;
  return owner->holds(pointer, 1) && !owner->freed ? owner : nullptr;
}
// The one that begins there.
Owner find_whole(void* pointer, cudaMemoryType type) {
  const Owner owner = find(pointer);
  return owner && owner->begin == pointer && owner->type == type ? owner : nullptr;
}

uint64_t used_memory(int device) {
  uint64_t used = 0;
  for (const auto& [begin, owner] : allocations()) {
    if (owner->type == cudaMemoryTypeDevice && owner->device == device) used += owner->bytes;
  }
  return used;
}
bool fits(int device, size_t bytes) {
  const uint64_t used = used_memory(device), total = total_memory();
  return used <= total && bytes <= total - used;
}

void* allocate(size_t bytes, cudaMemoryType type, int device, std::shared_ptr<CUmemPoolHandle_st> pool = nullptr) {
  // Not a byte more than asked for: address sanitisers see what goes past the end.
  void* memory = nullptr;
  if (posix_memalign(&memory, 256, bytes) != 0) abort();
  memset(memory, kPoison, bytes);
  auto* begin = static_cast<char*>(memory);
  allocations()[begin] = std::make_shared<Allocation>(Allocation{begin, bytes, type, device, std::move(pool)});
  return memory;
}

void release(const Owner& owner) {
  owner->is_live = false;
  if (owner->pool) owner->pool->used -= owner->bytes;
  memset(owner->begin, kPoison, owner->bytes);
  free(owner->begin);
  allocations().erase(owner->begin);
}

// One end of a copy: device memory, pinned memory, or memory that CUDA does not know.
struct End {
  Owner owner;
  cudaError_t error;
};
End end_of_copy(const void* pointer, size_t bytes, bool is_device, int device) {
  const Owner owner = find(pointer);
  const auto invalid = [](const char* why) { return End{nullptr, refuse(cudaErrorInvalidValue, why)}; };
  if (is_device && (!owner || owner->type != cudaMemoryTypeDevice)) return invalid("no device memory at this address");
  if (is_device && owner->device != device) return invalid("memory of another device than the stream's");
  if (!is_device && owner && owner->type != cudaMemoryTypeHost)
    return invalid("device memory where host memory belongs");
  if (owner && !owner->holds(pointer, bytes)) return invalid("more bytes than the allocation has");
  return {owner, cudaSuccess};
}

cudaError_t use_after_free() {
  return refuse(cudaErrorIllegalAddress, "work in a stream uses memory that has been freed");
}

}  // namespace

size_t total_memory() {
  const char* total = getenv("EMULATOR_MEMORY");
  return total ? std::stoull(total) : size_t(1) << 30;
}

void release_unused(int device) {
  for (const auto& pool : pools()) {
    if (pool->device == device) pool->keep(pool->threshold);
  }
}

}  // namespace emulator

using namespace emulator;

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  return call([&] {
    if (bytes == 0) return cudaErrorInvalidValue;
    if (!fits(current_device(), bytes)) return cudaErrorMemoryAllocation;
    *memory = allocate(bytes, cudaMemoryTypeDevice, current_device());
    return cudaSuccess;
  });
}
// Waits for the device, as CUDA does, but not for memory of a pool: there the caller must have waited.
cudaError_t cudaFree(void* memory) {
  return call([&] {
    if (memory == nullptr) return cudaSuccess;
    const Owner owner = find_whole(memory, cudaMemoryTypeDevice);
    if (!owner) return refuse(cudaErrorInvalidValue, "cudaFree of what cudaMalloc did not give");
    if (owner->pool) {
      release(owner);
      return cudaSuccess;
    }
    run_all(owner->device);
    release(owner);
    return synchronized(owner->device);
  });
}

cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned) {
  return call([&] {
    if (bytes == 0) return cudaErrorInvalidValue;
    *memory = allocate(bytes, cudaMemoryTypeHost, current_device());
    return cudaSuccess;
  });
}
// Waits for nothing: CUDA promises no more.
cudaError_t cudaFreeHost(void* memory) {
  return call([&] {
    if (memory == nullptr) return cudaSuccess;
    const Owner owner = find_whole(memory, cudaMemoryTypeHost);
    if (!owner) return refuse(cudaErrorInvalidValue, "cudaFreeHost of what cudaHostAlloc did not give");
    release(owner);
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return call([&] {
    *total = total_memory();
    *free = *total - std::min<size_t>(*total, used_memory(current_device()));
    return cudaSuccess;
  });
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return call([&] {
    // CUDA's documentation leaves room for this answer, and for cudaMemoryTypeUnregistered.
    if (pointer == nullptr) return cudaErrorInvalidValue;
    const Owner owner = find(pointer);
    void* const address = const_cast<void*>(pointer);
    if (!owner) {
      *attributes = {cudaMemoryTypeUnregistered, cudaInvalidDeviceId, nullptr, address};
    } else {
      *attributes = {owner->type, owner->device, address, owner->type == cudaMemoryTypeHost ? address : nullptr};
    }
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  return call([&] {
    const cudaMemLocation& location = properties->location;
    if (properties->allocType != cudaMemAllocationTypePinned || location.type != cudaMemLocationTypeDevice ||
        location.id < 0 || location.id >= kDevices) {
      return cudaErrorInvalidValue;
    }
    pools().emplace_back(new CUmemPoolHandle_st{location.id});
    *pool = pools().back().get();
    return cudaSuccess;
  });
}
// Allocations of the pool live on.
cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  return call([&] {
    const auto found = std::find(pools().begin(), pools().end(), find(pool));
    if (found == pools().end()) return cudaErrorInvalidValue;
    pools().erase(found);
    return cudaSuccess;
  });
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  return call([&] {
    if (!find(pool) || attribute != cudaMemPoolAttrReleaseThreshold) return cudaErrorInvalidValue;
    pool->threshold = *static_cast<uint64_t*>(value);
    return cudaSuccess;
  });
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  return call([&] {
    if (!find(pool)) return cudaErrorInvalidValue;
    switch (attribute) {
      case cudaMemPoolAttrReleaseThreshold:
        *static_cast<uint64_t*>(value) = pool->threshold;
        return cudaSuccess;
      case cudaMemPoolAttrReservedMemCurrent:
        *static_cast<uint64_t*>(value) = pool->reserved;
        return cudaSuccess;
      case cudaMemPoolAttrUsedMemCurrent:
        *static_cast<uint64_t*>(value) = pool->used;
        return cudaSuccess;
    }
    return cudaErrorInvalidValue;
  });
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes_to_keep) {
  return call([&] {
    if (!find(pool)) return cudaErrorInvalidValue;
    pool->keep(bytes_to_keep);
    return cudaSuccess;
  });
}

cudaError_t cudaMallocFromPoolAsync(void** memory, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  return call([&] {
    const auto owner = find(pool);
    if (!owner || !resolve(stream) || bytes == 0) return cudaErrorInvalidValue;
    if (pool->device != stream->device) return refuse(cudaErrorInvalidValue, "a pool and a stream of two devices");
    // What this stream frees before, it may have again.
    if (!fits(pool->device, bytes)) run(*stream, stream->end());
    if (!fits(pool->device, bytes)) return cudaErrorMemoryAllocation;
    *memory = allocate(bytes, cudaMemoryTypeDevice, pool->device, owner);
    pool->used += bytes;
    pool->reserved = std::max(pool->reserved, pool->used);
    // The memory is there from here on in the order of the stream: what another stream wrote before is lost.
    enqueue(*stream, [to = *memory, bytes, allocation = find(*memory)] {
      if (!allocation->is_live) return use_after_free();
      memset(to, kPoison, bytes);
      return cudaSuccess;
    });
    return cudaSuccess;
  });
}
cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
  return call([&] {
    if (!resolve(stream)) return cudaErrorInvalidResourceHandle;
    if (memory == nullptr) return cudaSuccess;
    const Owner owner = find_whole(memory, cudaMemoryTypeDevice);
    if (!owner) return refuse(cudaErrorInvalidValue, "cudaFreeAsync of what is not allocated");
    if (owner->device != stream->device)
      return refuse(cudaErrorInvalidValue, "cudaFreeAsync on another device's stream");
    owner->freed = true;
    enqueue(*stream, [=] {
      release(owner);
      return cudaSuccess;
    });
    return cudaSuccess;
  });
}

// Pageable host memory: read before the call returns, or written before it does. Pinned memory: when the stream comes
// to it.
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return call([&] {
    if (!resolve(stream)) return refuse(cudaErrorInvalidResourceHandle, "a copy on what is no stream");
    if (bytes == 0) return cudaSuccess;
    const auto is_device = [&](const void* pointer, cudaMemcpyKind other_kind) {
      if (kind != cudaMemcpyDefault) return kind == other_kind || kind == cudaMemcpyDeviceToDevice;
      const Owner owner = find(pointer);
      return owner && owner->type == cudaMemoryTypeDevice;
    };
    const bool from_device = is_device(from, cudaMemcpyDeviceToHost), to_device = is_device(to, cudaMemcpyHostToDevice);
    const End source = end_of_copy(from, bytes, from_device, stream->device);
    if (source.error != cudaSuccess) return source.error;
    const End target = end_of_copy(to, bytes, to_device, stream->device);
    if (target.error != cudaSuccess) return target.error;

    std::vector<char> staged;
    if (!source.owner) staged.assign(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
    enqueue(*stream, [=, staged = std::move(staged)] {
      for (const Owner& owner : {source.owner, target.owner}) {
        if (owner && !owner->is_live) return use_after_free();
      }
      memcpy(to, source.owner ? from : staged.data(), bytes);
      return cudaSuccess;
    });
    if (target.owner) return cudaSuccess;
    run(*stream, stream->end());
    return synchronized(stream->device);
  });
}
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  return call([&] {
    if (!resolve(stream)) return refuse(cudaErrorInvalidResourceHandle, "a fill on what is no stream");
    if (bytes == 0) return cudaSuccess;
    const End target = end_of_copy(memory, bytes, true, stream->device);
    if (target.error != cudaSuccess) return target.error;
    enqueue(*stream, [=] {
      if (!target.owner->is_live) return use_after_free();
      memset(memory, value, bytes);
      return cudaSuccess;
    });
    return cudaSuccess;
  });
}
