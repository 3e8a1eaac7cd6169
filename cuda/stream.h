// Streams of a device, and the memory on it. Everything here belongs to one JavaScript thread, except the pool, which
// all threads share.
#pragma once

#include <atomic>
#include <memory>

#include "check.h"
#include "launch.h"

namespace scaloss {

// Device memory that is allocated and freed in stream order: freed memory can be handed out again as soon as the stream
// reaches the free, without a wait for the device.
class DevicePool {
 public:
  // The pool of a device that probe_cuda() found. It is never destroyed: at exit the driver may be gone before static
  // objects are.
  static DevicePool& of(int device);

  void* allocate(size_t bytes, cudaStream_t stream);
  // Without a stream the memory is freed at once, because no work uses it.
  void release(void* data, size_t bytes, cudaStream_t stream) noexcept;

  // The bytes that are handed out, and the bytes of device memory that the pool holds for that.
  size_t allocated() const { return allocated_; }
  size_t reserved() const;

 private:
  explicit DevicePool(int device);
  cudaMemPool_t pool_ = nullptr;  // null if the device has no pools; then allocations are plain
  std::atomic<size_t> allocated_{0};
};

class Stream {
 public:
  explicit Stream(int device);
  // A stream of other native code. It is not owned, and only calls that name it use it.
  Stream(int device, cudaStream_t foreign);
  ~Stream();
  Stream(const Stream&) = delete;

  const int device;
  const bool is_foreign;
  cudaStream_t handle() const { return handle_; }

  void synchronize() const;

  // Makes later work of this stream wait for all work that `other` was given so far, or, if that is a foreign stream,
  // for all work that was marked.
  void wait_for(const Stream& other) const;

  // Must be called after work was given to the stream and before anything that may fail. A foreign stream may be gone
  // when someone wants to wait for it, so the event to wait for is recorded now.
  void mark_use() const;

  // Must be called when a call fails whose launches may have stopped half-way.
  void reset() { counters_are_zero_ = false; }

  // The workspace of a call over `tiles` tiles, with `blocks` blocks launched on this stream in all.
  ReductionWorkspace workspace(int64_t tiles, uint32_t blocks, double* loss, double* invalid_rows);

 private:
  // Counters in device memory. The kernels leave them at 0.
  struct Counters {
    uint32_t ticket;
    unsigned long long invalid;
  };

  void* allocate(size_t bytes);
  void free(void* data, size_t bytes) noexcept;

  cudaStream_t handle_ = nullptr;
  cudaEvent_t event_ = nullptr;
  Counters* counters_ = nullptr;
  bool counters_are_zero_ = false;
  double* partials_ = nullptr;
  int64_t partials_size_ = 0;
};

// Memory on a device. Memory that was allocated here is freed after its last use, in stream order.
class DeviceMemory {
 public:
  DeviceMemory(std::shared_ptr<Stream> home, size_t bytes);
  // Memory of other native code, which remains its owner.
  DeviceMemory(std::shared_ptr<Stream> home, void* foreign, size_t bytes);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;

  const size_t bytes;
  const bool is_foreign;
  char* data() const { return data_; }
  int device() const { return home_->device; }

  // The stream on which the memory can be used without such a wait.
  const std::shared_ptr<Stream>& stream() const { return last_->is_foreign ? home_ : last_; }

  // Makes the stream wait for the use of this memory on another stream. Uses follow each other, and so do reads, so
  // only the last use has to be remembered.
  void use_on(const std::shared_ptr<Stream>& stream);

 private:
  const std::shared_ptr<Stream> home_;
  std::shared_ptr<Stream> last_;
  char* data_;
};

}  // namespace scaloss
