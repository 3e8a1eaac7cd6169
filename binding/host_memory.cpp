#include "host_memory.h"

namespace scaloss {

// The largest size that may be requested. A size_t holds it.
constexpr double kMostBytes = 0x1p50;

// The reference that an ArrayBuffer holds to the memory.
struct BufferShare {
  std::shared_ptr<HostMemory> memory;
};

Napi::Value allocate_host_memory(const Arguments& arguments) {
  const size_t bytes = arguments.whole_number(0, kMostBytes + 1, "a number of bytes");
  if (bytes == 0) throw ArgumentError{"a number of bytes is out of range"};
  const auto memory = std::make_shared<HostMemory>(bytes, arguments.boolean(1));
  auto handle = std::make_unique<HostMemoryHandle>(memory);
  // V8 counts the memory of array buffers itself.
  const auto finalize = [](void* hint) { delete static_cast<BufferShare*>(hint); };
  const Napi::Value buffer = external_buffer(arguments.env(), memory->data(), bytes, finalize, new BufferShare{memory});
  if (buffer.IsUndefined()) return buffer;
  Napi::Array result = Napi::Array::New(arguments.env(), 2);
  result[0u] = handle_to_js(arguments.env(), std::move(handle));
  result[1u] = buffer;
  return result;
}

}  // namespace scaloss
