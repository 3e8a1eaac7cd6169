// Calls over host arrays. The arrays are copied to the device and back in parts that overlap, or the kernel uses them
// in place.
#pragma once

#include <mutex>

#include "stream.h"

namespace scaloss {

// Host memory that the device can reach. Copies to and from it do not wait for the CPU.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  void reserve(size_t bytes);
  char* data() const { return data_; }

 private:
  char* data_ = nullptr;
  size_t bytes_ = 0;
};

// The resources of one device for such calls. Threads take turns.
class HostCaller {
 public:
  // The caller of a device that probe_cuda() found. It is never destroyed: at exit the driver may be gone before static
  // objects are.
  static HostCaller& of(int device);

  template <class T>
  BoxLossSummary run(const BoxLossJob<T>& host);
  template <class T>
  void run(const PairwiseJob<T>& host);

 private:
  // One part of a call in progress: its rows in pinned memory and on the device.
  struct Slot {
    PinnedMemory pinned;
    std::unique_ptr<DeviceMemory> memory;
    cudaEvent_t uploaded = nullptr, computed = nullptr, downloaded = nullptr;
  };
  static constexpr int kSlots = 3;

  explicit HostCaller(int device);
  template <class Body>
  void or_wait(Body body);
  template <class T>
  void run_mapped(const BoxLossJob<T>& host);
  template <class T>
  void run_parts(const BoxLossJob<T>& host);
  template <class T>
  void run_rows(const PairwiseJob<T>& host);
  int multiprocessors() const { return probe_cuda().devices[compute_->device].multiprocessors; }
  double* results() const { return reinterpret_cast<double*>(results_.data()); }

  std::mutex mutex_;
  const std::shared_ptr<Stream> upload_, compute_, download_;
  Slot slots_[kSlots];
  PinnedMemory results_;  // loss, invalid rows
};

}  // namespace scaloss
