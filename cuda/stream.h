// Streams of a device, and the memory that lives on it. Everything here belongs to one thread of JavaScript but the
// pool, which all threads share.
#pragma once

#include <atomic>
#include <memory>

#include "check.h"
#include "launch.h"

namespace scaloss {

// Device memory by stream order: what is freed can be handed out again as soon as the stream gets there, without a
// wait for the device.
class DevicePool {
 public:
  // Of a device that probe_cuda() found. Never destroyed: at exit the driver may be gone before static objects are.
  static DevicePool& of(int device);

  void* allocate(size_t bytes, cudaStream_t stream);
  // Without a stream: at once, nothing being under way with it.
  void release(void* data, size_t bytes, cudaStream_t stream) noexcept;

  // What is handed out, and what the pool keeps of the device's memory for that. Bytes.
  size_t allocated() const { return allocated_; }
  size_t reserved() const;

 private:
  explicit DevicePool(int device);
  cudaMemPool_t pool_ = nullptr;  // null where the device has no pools: plain allocations then
  std::atomic<size_t> allocated_{0};
};

class Stream {
 public:
  explicit Stream(int device);
  // A stream of other native code, which is neither owned nor touched but by calls that name it.
  Stream(int device, cudaStream_t foreign);
  ~Stream();
  Stream(const Stream&) = delete;

  const int device;
  const bool is_foreign;
  cudaStream_t handle() const { return handle_; }

  void synchronize() const;

  // Later work of this stream waits for all that `other` was given so far; of a foreign stream, for all that was
  // marked.
  void wait_for(const Stream& other) const;

  // To be called after work was given to the stream, before anything that may fail. A foreign stream may be gone when
  // somebody wants to wait for it, so the event that they wait for is recorded now.
  void mark_use() const;

  // To be called when a call fails whose launches may have come half-way.
  void reset() { counters_are_zero_ = false; }

  // For a call over so many tiles, `blocks` of which will be launched on this stream.
  ReductionWorkspace workspace(int64_t tiles, uint32_t blocks, double* loss, double* invalid_rows);

 private:
  // In device memory. The kernels leave them at 0.
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

// Memory on a device. What was allocated here is freed in the order of its last use.
class DeviceMemory {
 public:
  DeviceMemory(std::shared_ptr<Stream> home, size_t bytes);
  // Memory of other native code, which keeps it.
  DeviceMemory(std::shared_ptr<Stream> home, void* foreign, size_t bytes);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;

  const size_t bytes;
  const bool is_foreign;
  char* data() const { return data_; }
  int device() const { return home_->device; }

  // On which it can be used without such a wait.
  const std::shared_ptr<Stream>& stream() const { return last_->is_foreign ? home_ : last_; }

  // Makes the stream wait for the use of this memory on another one. Uses are one after the other, reads too, so that
  // the last one is all there is to remember.
  void use_on(const std::shared_ptr<Stream>& stream);

 private:
  const std::shared_ptr<Stream> home_;
  std::shared_ptr<Stream> last_;
  char* data_;
};

}  // namespace scaloss
