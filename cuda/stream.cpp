#include "stream.h"

#include <mutex>
#include <vector>

#include "../core/reduction.h"

namespace scaloss {

DevicePool& DevicePool::of(int device) {
  static std::mutex mutex;
  static auto* pools = new std::vector<std::unique_ptr<DevicePool>>(probe_cuda().devices.size());
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<DevicePool>& pool = (*pools)[device];
  if (pool == nullptr) pool.reset(new DevicePool(device));
  return *pool;
}

DevicePool::DevicePool(int device) {
  int has_pools = 0;
  CHECK_CUDA(cudaDeviceGetAttribute(&has_pools, cudaDevAttrMemoryPoolsSupported, device));
  if (!has_pools) return;
  cudaMemPoolProps properties = {};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  CHECK_CUDA(cudaMemPoolCreate(&pool_, &properties));
  // By default a pool gives its memory back at every wait, and the next training step would ask for it again.
  uint64_t threshold = UINT64_MAX;
  CHECK_CUDA(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &threshold));
}

void* DevicePool::allocate(size_t bytes, cudaStream_t stream) {
  void* data = nullptr;
  const auto attempt = [&] {
    return pool_ ? cudaMallocFromPoolAsync(&data, bytes, pool_, stream) : cudaMalloc(&data, bytes);
  };
  cudaError_t status = attempt();
  if (status == cudaErrorMemoryAllocation && pool_) {
    // Try again after the pool has given back what it holds in pieces of other sizes.
    cudaGetLastError();
    CHECK_CUDA(cudaDeviceSynchronize());
    CHECK_CUDA(cudaMemPoolTrimTo(pool_, 0));
    status = attempt();
  }
  if (status == cudaErrorMemoryAllocation) {
    size_t available = 0, total = 0;
    cudaMemGetInfo(&available, &total);
    cudaGetLastError();
    throw CudaError("cudaErrorMemoryAllocation", true,
                    "cudaErrorMemoryAllocation: out of device memory: asked for " + std::to_string(bytes) +
                        " bytes, free are " + std::to_string(available) + " of " + std::to_string(total));
  }
  check_cuda(status, "allocation of device memory");
  allocated_ += bytes;
  return data;
}

void DevicePool::release(void* data, size_t bytes, cudaStream_t stream) noexcept {
  ignore_cuda(pool_ && stream ? cudaFreeAsync(data, stream) : cudaFree(data));
  allocated_ -= bytes;
}

size_t DevicePool::reserved() const {
  uint64_t reserved = allocated_;
  if (pool_) CHECK_CUDA(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrReservedMemCurrent, &reserved));
  return reserved;
}

Stream::Stream(int device) : device(device), is_foreign(false) {
  CHECK_CUDA(cudaSetDevice(device));
  CHECK_CUDA(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking));
  CHECK_CUDA(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
}

Stream::Stream(int device, cudaStream_t foreign) : device(device), is_foreign(true), handle_(foreign) {
  CHECK_CUDA(cudaSetDevice(device));
  CHECK_CUDA(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
}

Stream::~Stream() {
  ignore_cuda(cudaSetDevice(device));
  if (counters_) free(counters_, sizeof(Counters));
  if (partials_) free(partials_, partials_size_ * sizeof(double));
  ignore_cuda(cudaEventDestroy(event_));
  if (!is_foreign) ignore_cuda(cudaStreamDestroy(handle_));
}

void* Stream::allocate(size_t bytes) {
  void* const data = DevicePool::of(device).allocate(bytes, handle_);
  mark_use();  // the call may fail before it launches anything, and free() waits for what is marked
  return data;
}

void Stream::free(void* data, size_t bytes) noexcept {
  // A foreign stream may be gone by now, so this waits for its last recorded use.
  if (is_foreign) ignore_cuda(cudaEventSynchronize(event_));
  DevicePool::of(device).release(data, bytes, is_foreign ? nullptr : handle_);
}

void Stream::synchronize() const {
  CHECK_CUDA(cudaSetDevice(device));  // a null handle means the default stream of the current device
  CHECK_CUDA(cudaStreamSynchronize(handle_));
}

void Stream::wait_for(const Stream& other) const {
  if (!other.is_foreign) CHECK_CUDA(cudaEventRecord(other.event_, other.handle_));
  CHECK_CUDA(cudaStreamWaitEvent(handle_, other.event_, 0));
}

void Stream::mark_use() const {
  if (is_foreign) CHECK_CUDA(cudaEventRecord(event_, handle_));
}

ReductionWorkspace Stream::workspace(int64_t tiles, uint32_t blocks, double* loss, double* invalid_rows) {
  if (counters_ == nullptr) counters_ = static_cast<Counters*>(allocate(sizeof(Counters)));
  if (!counters_are_zero_) {
    CHECK_CUDA(cudaMemsetAsync(counters_, 0, sizeof(Counters), handle_));
    mark_use();
  }
  counters_are_zero_ = true;
  if (tiles > partials_size_) {
    if (partials_) free(partials_, partials_size_ * sizeof(double));
    partials_ = nullptr;
    partials_size_ = 0;
    partials_ = static_cast<double*>(allocate(tiles * sizeof(double)));
    partials_size_ = tiles;
  }
  return {partials_, tiles, 0, blocks, &counters_->ticket, &counters_->invalid, loss, invalid_rows};
}

DeviceMemory::DeviceMemory(std::shared_ptr<Stream> home, size_t bytes)
    : bytes(bytes),
      is_foreign(false),
      home_(home),
      last_(home),
      data_(static_cast<char*>(DevicePool::of(home->device).allocate(bytes, home->handle()))) {}

DeviceMemory::DeviceMemory(std::shared_ptr<Stream> home, void* foreign, size_t bytes)
    : bytes(bytes), is_foreign(true), home_(home), last_(home), data_(static_cast<char*>(foreign)) {}

DeviceMemory::~DeviceMemory() {
  if (is_foreign) return;
  ignore_cuda(cudaSetDevice(device()));
  try {
    if (last_ != home_) home_->wait_for(*last_);
  } catch (const CudaError&) {
    // The device has failed, so nothing on it is in use any more.
  }
  DevicePool::of(device()).release(data_, bytes, home_->handle());
}

void DeviceMemory::use_on(const std::shared_ptr<Stream>& stream) {
  if (stream == last_) return;
  stream->wait_for(*last_);
  // Code that waits for a foreign stream waits for the last mark there. If the call fails before it marks its work,
  // that mark must at least cover the wait above.
  stream->mark_use();
  last_ = stream;
}

}  // namespace scaloss
