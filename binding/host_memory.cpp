#include "host_memory.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "../cuda/backend.h"

namespace scaloss {

// A cache line, and the widest vector.
constexpr size_t kAlignment = 64;

#if defined(_MSC_VER)
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

// The share that an ArrayBuffer has in the memory.
struct BufferShare {
  std::shared_ptr<HostMemory> memory;
};

napi_value allocate_host_memory(napi_env env, napi_callback_info info) {
  return with_js_errors(env, "allocate", [=]() -> napi_value {
    size_t count = 2;
    napi_value values[2], result, buffer;
    double bytes = 0;
    bool pinned = false;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
    napi_get_value_double(env, values[0], &bytes);
    napi_get_value_bool(env, values[1], &pinned);
    if (!(bytes >= 1 && bytes <= 0x1p50)) throw ArgumentError{"a number of bytes is out of range"};
    auto share = std::make_unique<BufferShare>(BufferShare{std::make_shared<HostMemory>(size_t(bytes), pinned)});
    auto handle = std::make_unique<HostMemoryHandle>(share->memory);
    // V8 counts the memory of array buffers itself.
    const auto finalize = [](napi_env, void*, void* hint) { delete static_cast<BufferShare*>(hint); };
    HostMemory& memory = *share->memory;
    const napi_status status =
        napi_create_external_arraybuffer(env, memory.data(), memory.bytes, finalize, share.get(), &buffer);
    // A buffer that Node finds too large when it makes it is finalized at once; other refusals come before.
    if (status == napi_ok || status == napi_generic_failure) share.release();
    if (status != napi_ok) return nullptr;
    napi_create_array_with_length(env, 2, &result);
    napi_set_element(env, result, 0, handle_to_js(env, std::move(handle)));
    napi_set_element(env, result, 1, buffer);
    return result;
  });
}

}  // namespace scaloss
