#include "backend.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "../../cuda/launch.h"
#include "../../cuda/reduction.h"

namespace scaloss {

static void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // an error that CUDA can recover from must not be reported again by the next call
  throw CudaError(cudaGetErrorName(status), status == cudaErrorMemoryAllocation,
                  std::string(call) + ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}
#define CHECK(call) check(call, #call)

static std::string reason_of(cudaError_t status, int driver) {
  if (driver == 0) return "no-driver";
  switch (status) {
    case cudaErrorInsufficientDriver:
      return "driver-too-old";
    case cudaErrorNoDevice:
      return "no-device";
    case cudaErrorNoKernelImageForDevice:
      return "no-kernel-image";
    default:
      return "error";
  }
}

static CudaProbe probe_now() {
  CudaProbe probe = {};
  cudaDriverGetVersion(&probe.driver);
  cudaRuntimeGetVersion(&probe.runtime);
  int count = 0;
  cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count == 0) status = cudaErrorNoDevice;
  for (int i = 0; i < count && status == cudaSuccess; ++i) {
    cudaDeviceProp properties;
    status = cudaGetDeviceProperties(&properties, i);
    if (status == cudaSuccess) {
      probe.devices.push_back({properties.name, properties.major, properties.minor, properties.multiProcessorCount,
                               properties.totalGlobalMem});
    }
  }
  if (status == cudaSuccess) status = check_kernel_image();
  if (status != cudaSuccess) {
    probe.reason = reason_of(status, probe.driver);
    // Without a driver CUDA's own text speaks of one that is too old.
    probe.message = probe.driver == 0 ? "no NVIDIA driver is installed"
                                      : std::string(cudaGetErrorName(status)) + ": " + cudaGetErrorString(status);
    cudaGetLastError();
  }
  return probe;
}

const CudaProbe& probe_cuda() {
  static const CudaProbe probe = probe_now();
  return probe;
}

namespace {

// Hands out parts of one block of device memory. The first walk, with base null, finds the size.
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
  static constexpr size_t kAlignment = 256;
  char* base_;
  size_t offset_ = 0;
};

// What one device needs from call to call. Never destroyed: at exit the driver may be gone before static objects are.
class DeviceState {
 public:
  explicit DeviceState(int device) : device_(device) {
    CHECK(cudaSetDevice(device));
    CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    void* memory = nullptr;
    CHECK(cudaMalloc(&memory, sizeof(Counters)));
    counters_ = static_cast<Counters*>(memory);
  }

  template <class T>
  BoxLossSummary run(const BoxLossJob<T>& host, bool modified, Pass pass) {
    std::lock_guard<std::mutex> lock(mutex_);
    CHECK(cudaSetDevice(device_));
    ReductionWorkspace workspace = {nullptr, &counters_->ticket, &counters_->invalid, &counters_->summary};
    Parts sizes(nullptr);
    lay_out(sizes, host, workspace);
    reserve(sizes.size());
    Parts parts(static_cast<char*>(memory_));
    const BoxLossJob<T> job = lay_out(parts, host, workspace);

    const int64_t n = host.boxes, columns = 2 * axes_of(host.params.loss);
    upload(job.pred, host.pred, columns * n);
    upload(job.target, host.target, columns * n);
    upload(job.weight, host.weight, n);
    upload(job.grad_output, host.grad_output, n);
    // The kernel leaves the counters at 0; only a call that failed may not have come so far.
    if (!counters_are_zero_) CHECK(cudaMemsetAsync(counters_, 0, sizeof *counters_, stream_));
    counters_are_zero_ = false;
    CHECK(launch_box_loss(job, modified, pass, workspace, probe_cuda().devices[device_].multiprocessors, stream_));
    download(host.loss, job.loss, n);
    download(host.grad, job.grad, columns * n);
    download(host.grad_target, job.grad_target, columns * n);
    download(host.iou, job.iou, n);
    BoxLossSummary summary;
    download(&summary, workspace.summary, 1);
    CHECK(cudaStreamSynchronize(stream_));
    counters_are_zero_ = true;
    return summary;
  }

  template <class T>
  void run(const PairwiseJob<T>& host) {
    std::lock_guard<std::mutex> lock(mutex_);
    CHECK(cudaSetDevice(device_));
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
    reserve(sizes.size());
    Parts parts(static_cast<char*>(memory_));
    take(parts);
    upload(job.a, host.a, width * host.rows);
    upload(job.b, host.b, width * host.columns);
    const T* const all_a = job.a;
    for (int64_t row = 0; row < host.rows; row += part) {
      job.a = all_a + width * row;
      job.rows = std::min(part, host.rows - row);
      CHECK(launch_pairwise(job, probe_cuda().devices[device_].multiprocessors, stream_));
      download(host.out + row * host.columns, job.out, job.rows * host.columns);
    }
    CHECK(cudaStreamSynchronize(stream_));
  }

 private:
  // Of the matrix of pairwise, at a time; under the emulator so few that a test's matrix takes several parts.
#if defined(SCALOSS_EMULATED)
  static constexpr int64_t kPairwiseBytes = 20 << 10;
#else
  static constexpr int64_t kPairwiseBytes = 256 << 20;
#endif

  template <class T>
  static BoxLossJob<T> lay_out(Parts& parts, const BoxLossJob<T>& host, ReductionWorkspace& workspace) {
    const int64_t n = host.boxes, columns = 2 * axes_of(host.params.loss);
    BoxLossJob<T> job = host;
    job.pred = parts.take<T>(columns * n);
    job.target = parts.take<T>(columns * n);
    if (host.weight) job.weight = parts.take<T>(n);
    if (host.grad_output) job.grad_output = parts.take<T>(n);
    if (host.loss) job.loss = parts.take<T>(n);
    if (host.grad) job.grad = parts.take<T>(columns * n);
    if (host.grad_target) job.grad_target = parts.take<T>(columns * n);
    if (host.iou) job.iou = parts.take<T>(n);
    workspace.partials = parts.take<double>(tile_count(n));
    return job;
  }

  // Grows the device memory; it is kept for the next call.
  void reserve(size_t bytes) {
    if (bytes <= capacity_) return;
    CHECK(cudaFree(memory_));
    memory_ = nullptr;
    capacity_ = 0;
    CHECK(cudaMalloc(&memory_, bytes));
    capacity_ = bytes;
  }

  // Arrays of JavaScript are pageable memory: these copies return when they are done with it, so that an error on the
  // way leaves no copy behind that would write to an array since freed.
  template <class T>
  void upload(const T* device, const T* host, int64_t count) {
    if (host == nullptr) return;
    CHECK(cudaMemcpyAsync(const_cast<T*>(device), host, count * sizeof(T), cudaMemcpyHostToDevice, stream_));
  }
  template <class T>
  void download(T* host, const T* device, int64_t count) {
    if (host == nullptr) return;
    CHECK(cudaMemcpyAsync(host, device, count * sizeof(T), cudaMemcpyDeviceToHost, stream_));
  }

  // In device memory.
  struct Counters {
    uint32_t ticket;
    unsigned long long invalid;
    BoxLossSummary summary;
  };

  std::mutex mutex_;
  const int device_;
  cudaStream_t stream_ = nullptr;
  Counters* counters_ = nullptr;
  bool counters_are_zero_ = false;
  void* memory_ = nullptr;
  size_t capacity_ = 0;
};

DeviceState& state_of(int device) {
  static std::mutex mutex;
  static auto* states = new std::vector<std::unique_ptr<DeviceState>>(probe_cuda().devices.size());
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<DeviceState>& state = (*states)[device];
  if (state == nullptr) state = std::make_unique<DeviceState>(device);
  return *state;
}

}  // namespace

template <class T>
BoxLossSummary cuda_box_loss(const BoxLossJob<T>& job, bool modified, Pass pass, int device) {
  return state_of(device).run(job, modified, pass);
}

template BoxLossSummary cuda_box_loss(const BoxLossJob<float>&, bool, Pass, int);
template BoxLossSummary cuda_box_loss(const BoxLossJob<double>&, bool, Pass, int);

template <class T>
void cuda_pairwise(const PairwiseJob<T>& job, int device) {
  state_of(device).run(job);
}

template void cuda_pairwise(const PairwiseJob<float>&, int);
template void cuda_pairwise(const PairwiseJob<double>&, int);

}  // namespace scaloss
