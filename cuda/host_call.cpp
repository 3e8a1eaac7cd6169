#include "host_call.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "../core/reduction.h"

namespace scaloss {

namespace {

#if defined(SCALOSS_EMULATED)
// These are so small that the boxes of a test take several parts.
constexpr int64_t kMappedBoxes = 1024;
constexpr int64_t kSlotBytes = 256 << 10;
constexpr int64_t kPairwiseBytes = 20 << 10;
#else
// Up to this many boxes the kernel reads and writes pinned memory across the bus, in one launch and without copies. The
// value has not been tuned on a GPU yet.
constexpr int64_t kMappedBoxes = 16 << 10;
// Bytes of the arrays of one part. This is large enough that the fixed cost of a copy, some microseconds, does not
// matter.
constexpr int64_t kSlotBytes = 8 << 20;
// Bytes of the matrix of pairwise that are computed at a time.
constexpr int64_t kPairwiseBytes = 256 << 20;
#endif
constexpr size_t kAlignment = 256;

// Hands out parts of one block of memory. A first walk with a null base finds the size.
class Parts {
 public:
  explicit Parts(char* base) : base_(base) {}
  size_t size() const { return offset_; }

  template <class T>
  T* take(int64_t count) {
    T* part = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + offset_);
    offset_ += (size_t(count) * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return part;
  }

 private:
  char* base_;
  size_t offset_ = 0;
};

// A copy of `job` whose arrays, for `boxes` rows, are in other memory.
template <class T>
BoxLossJob<T> lay_out(const BoxLossJob<T>& job, int64_t boxes, Parts& parts) {
  BoxLossJob<T> other = job;
  each_input(job, [&](int, auto array, int width) { other.*array = parts.take<T>(width * boxes); });
  each_result(job, [&](int, auto array, int width) { other.*array = parts.take<T>(width * boxes); });
  return other;
}

// Whether the device can use an array in place: it must be pinned and aligned as kernels need it.
bool is_reachable(const void* array) {
  cudaPointerAttributes attributes;
  CHECK_CUDA(cudaPointerGetAttributes(&attributes, array));
  return attributes.type == cudaMemoryTypeHost && reinterpret_cast<uintptr_t>(array) % 16 == 0;
}

// The arrays of a job that the device can use in place.
struct Reachable {
  bool array[kArrays] = {};
  template <class T>
  explicit Reachable(const BoxLossJob<T>& job) {
    const auto look = [&](int k, auto member, int) { array[k] = is_reachable(job.*member); };
    each_input(job, look);
    each_result(job, look);
  }
};

}  // namespace

PinnedMemory::~PinnedMemory() {
  if (data_) cuda_free_pinned(data_);
}

void PinnedMemory::reserve(size_t bytes) {
  if (bytes <= bytes_) return;
  if (data_) cuda_free_pinned(data_);
  data_ = nullptr;
  bytes_ = 0;
  data_ = static_cast<char*>(cuda_allocate_pinned(bytes));
  bytes_ = bytes;
}

HostCaller& HostCaller::of(int device) {
  static std::mutex mutex;
  static auto* callers = new std::vector<std::unique_ptr<HostCaller>>(probe_cuda().devices.size());
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<HostCaller>& caller = (*callers)[device];
  if (caller == nullptr) caller.reset(new HostCaller(device));
  return *caller;
}

HostCaller::HostCaller(int device)
    : upload_(std::make_shared<Stream>(device)),
      compute_(std::make_shared<Stream>(device)),
      download_(std::make_shared<Stream>(device)) {
  for (Slot& slot : slots_) {
    for (cudaEvent_t* event : {&slot.uploaded, &slot.computed, &slot.downloaded}) {
      CHECK_CUDA(cudaEventCreateWithFlags(event, cudaEventDisableTiming));
    }
  }
  results_.reserve(2 * sizeof(double));
}

// After an error, this waits until no copy uses arrays that the caller may free. It also resets the counters, because a
// sum may be incomplete.
template <class Body>
void HostCaller::or_wait(Body body) {
  try {
    body();
  } catch (...) {
    ignore_cuda(cudaDeviceSynchronize());
    compute_->reset();
    throw;
  }
}

template <class T>
BoxLossSummary HostCaller::run(const BoxLossJob<T>& host) {
  std::lock_guard<std::mutex> lock(mutex_);
  CHECK_CUDA(cudaSetDevice(compute_->device));
  or_wait([&] { host.boxes <= kMappedBoxes ? run_mapped(host) : run_parts(host); });
  return {results()[0], int64_t(results()[1])};
}

template <class T>
void HostCaller::run_mapped(const BoxLossJob<T>& host) {
  const Reachable reachable(host);
  Parts sizes(nullptr);
  lay_out(host, host.boxes, sizes);
  slots_[0].pinned.reserve(sizes.size());
  Parts parts(slots_[0].pinned.data());
  BoxLossJob<T> job = lay_out(host, host.boxes, parts);
  each_input(host, [&](int k, auto array, int width) {
    if (reachable.array[k]) {
      job.*array = host.*array;
    } else {
      memcpy(const_cast<T*>(job.*array), host.*array, width * host.boxes * sizeof(T));
    }
  });
  each_result(host, [&](int k, auto array, int) {
    if (reachable.array[k]) job.*array = host.*array;
  });
  const uint32_t blocks = box_loss_blocks(job, multiprocessors());
  const ReductionWorkspace workspace = compute_->workspace(tile_count(job.boxes), blocks, results(), results() + 1);
  CHECK_CUDA(launch_box_loss(job, workspace, multiprocessors(), compute_->handle()));
  compute_->synchronize();
  each_result(host, [&](int k, auto array, int width) {
    if (!reachable.array[k]) memcpy(host.*array, job.*array, width * host.boxes * sizeof(T));
  });
}

// Three parts are in progress at a time: one is copied to the device, one is computed, and one is copied back. Ordinary
// arrays pass through pinned memory, so that no copy waits.
template <class T>
void HostCaller::run_parts(const BoxLossJob<T>& host) {
  Parts one_tile(nullptr);
  lay_out(host, kTile, one_tile);
  const int64_t part = kSlotBytes / int64_t(one_tile.size()) * kTile;
  const int64_t parts = (host.boxes + part - 1) / part;
  const auto boxes_of = [&](int64_t i) { return std::min(part, host.boxes - i * part); };
  const auto in_slot = [&](char* base) {
    Parts slot_parts(base);
    return lay_out(host, part, slot_parts);
  };
  const Reachable reachable(host);
  for (Slot& slot : slots_) {
    slot.pinned.reserve(kSlotBytes);
    if (!slot.memory) slot.memory = std::make_unique<DeviceMemory>(compute_, kSlotBytes);
  }
  uint32_t blocks = 0;
  for (int64_t i = 0; i < parts; ++i) {
    BoxLossJob<T> job = host;
    job.boxes = boxes_of(i);
    blocks += box_loss_blocks(job, multiprocessors());
  }
  ReductionWorkspace workspace = compute_->workspace(tile_count(host.boxes), blocks, results(), results() + 1);
  upload_->wait_for(*compute_);  // the memory of the slots is allocated in the order of that stream

  const auto send = [&](int64_t i) {
    Slot& slot = slots_[i % kSlots];
    const BoxLossJob<T> pinned = in_slot(slot.pinned.data());
    BoxLossJob<T> job = in_slot(slot.memory->data());
    job.boxes = boxes_of(i);
    each_input(host, [&](int k, auto array, int width) {
      const size_t bytes = width * job.boxes * sizeof(T);
      const T* from = host.*array + width * part * i;
      if (!reachable.array[k]) from = static_cast<const T*>(memcpy(const_cast<T*>(pinned.*array), from, bytes));
      CHECK_CUDA(cudaMemcpyAsync(const_cast<T*>(job.*array), from, bytes, cudaMemcpyHostToDevice, upload_->handle()));
    });
    CHECK_CUDA(cudaEventRecord(slot.uploaded, upload_->handle()));
    CHECK_CUDA(cudaStreamWaitEvent(compute_->handle(), slot.uploaded, 0));
    workspace.first_tile = i * part / kTile;
    CHECK_CUDA(launch_box_loss(job, workspace, multiprocessors(), compute_->handle()));
    CHECK_CUDA(cudaEventRecord(slot.computed, compute_->handle()));
    CHECK_CUDA(cudaStreamWaitEvent(download_->handle(), slot.computed, 0));
    each_result(host, [&](int k, auto array, int width) {
      T* const to = reachable.array[k] ? host.*array + width * part * i : pinned.*array;
      const size_t bytes = width * job.boxes * sizeof(T);
      CHECK_CUDA(cudaMemcpyAsync(to, job.*array, bytes, cudaMemcpyDeviceToHost, download_->handle()));
    });
    CHECK_CUDA(cudaEventRecord(slot.downloaded, download_->handle()));
  };
  const auto deliver = [&](int64_t i) {
    Slot& slot = slots_[i % kSlots];
    CHECK_CUDA(cudaEventSynchronize(slot.downloaded));
    const BoxLossJob<T> pinned = in_slot(slot.pinned.data());
    each_result(host, [&](int k, auto array, int width) {
      if (reachable.array[k]) return;
      memcpy(host.*array + width * part * i, pinned.*array, width * boxes_of(i) * sizeof(T));
    });
  };
  for (int64_t i = 0; i < parts; ++i) {
    if (i >= kSlots) deliver(i - kSlots);
    send(i);
  }
  for (int64_t i = std::max<int64_t>(0, parts - kSlots); i < parts; ++i) deliver(i);
}

template <class T>
void HostCaller::run(const PairwiseJob<T>& host) {
  std::lock_guard<std::mutex> lock(mutex_);
  CHECK_CUDA(cudaSetDevice(compute_->device));
  or_wait([&] { run_rows(host); });
}

template <class T>
void HostCaller::run_rows(const PairwiseJob<T>& host) {
  const int64_t width = 2 * axes_of(host.params.loss);
  const int64_t part = std::max<int64_t>(1, std::min(host.rows, kPairwiseBytes / int64_t(sizeof(T)) / host.columns));
  PairwiseJob<T> job = host;
  const auto take = [&](Parts& parts) {
    job.a = parts.take<T>(width * host.rows);
    job.b = parts.take<T>(width * host.columns);
    job.out = parts.take<T>(part * host.columns);
  };
  Parts sizes(nullptr);
  take(sizes);
  const DeviceMemory memory(compute_, sizes.size());
  Parts parts(memory.data());
  take(parts);
  const auto copy = [&](const T* to, const T* from, int64_t count, cudaMemcpyKind kind) {
    CHECK_CUDA(cudaMemcpyAsync(const_cast<T*>(to), from, count * sizeof(T), kind, compute_->handle()));
  };
  copy(job.a, host.a, width * host.rows, cudaMemcpyHostToDevice);
  copy(job.b, host.b, width * host.columns, cudaMemcpyHostToDevice);
  const T* const all_a = job.a;
  for (int64_t row = 0; row < host.rows; row += part) {
    job.a = all_a + width * row;
    job.rows = std::min(part, host.rows - row);
    CHECK_CUDA(launch_pairwise(job, multiprocessors(), compute_->handle()));
    copy(host.out + row * host.columns, job.out, job.rows * host.columns, cudaMemcpyDeviceToHost);
  }
  compute_->synchronize();
}

void* cuda_allocate_pinned(size_t bytes) {
  void* data = nullptr;
  // Portable means pinned for every device.
  CHECK_CUDA(cudaHostAlloc(&data, bytes, cudaHostAllocPortable));
  return data;
}
void cuda_free_pinned(void* data) {
  ignore_cuda(cudaFreeHost(data));
}

template <class T>
BoxLossSummary cuda_box_loss(const BoxLossJob<T>& job, int device) {
  return HostCaller::of(device).run(job);
}
template <class T>
void cuda_pairwise(const PairwiseJob<T>& job, int device) {
  HostCaller::of(device).run(job);
}
template BoxLossSummary cuda_box_loss(const BoxLossJob<float>&, int);
template BoxLossSummary cuda_box_loss(const BoxLossJob<double>&, int);
template void cuda_pairwise(const PairwiseJob<float>&, int);
template void cuda_pairwise(const PairwiseJob<double>&, int);

}  // namespace scaloss
