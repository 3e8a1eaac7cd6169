// Devices, streams, events and launches of the emulated CUDA runtime. A stream is lazy: its operations run when a call
// waits for them or another stream's event does, so that a wait that is missing shows as data that is not there.
#include "runtime.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "emulator.h"

// One cudaEventRecord().
struct Recording {
  std::shared_ptr<CUstream_st> stream;
  uint64_t position;  // operations of the stream before it, itself included
  std::chrono::steady_clock::time_point time;

  bool is_done() const { return stream->done >= position; }
};

struct CUevent_st {
  const int device;
  const bool has_time;
  std::shared_ptr<Recording> last;
};

namespace emulator {
namespace {

std::mutex mutex;
thread_local cudaError_t last_error = cudaSuccess;
thread_local int device_in_force = 0;
cudaError_t failures[kDevices] = {};  // of operations that ran, until a call that waits reports them

std::vector<std::shared_ptr<CUstream_st>>& streams() {
  static auto* streams = new std::vector<std::shared_ptr<CUstream_st>>;
  return *streams;
}
std::vector<std::unique_ptr<CUevent_st>>& events() {
  static auto* events = new std::vector<std::unique_ptr<CUevent_st>>;
  return *events;
}

std::shared_ptr<CUstream_st> find(cudaStream_t stream) {
  for (const auto& each : streams()) {
    if (each.get() == stream && !each->destroyed) return each;
  }
  return nullptr;
}
bool is_event(cudaEvent_t event) {
  return std::any_of(events().begin(), events().end(), [=](const auto& each) { return each.get() == event; });
}

cudaError_t take_failure(int device) {
  return std::exchange(failures[device], cudaSuccess);
}

// Each queue runs a part or not, by the toss of a coin.
void run_some(const std::string& seed) {
  static std::string seeded;
  static std::mt19937 random;
  if (seed != seeded) random.seed(unsigned(std::stoul(seeded = seed)));
  for (const auto& stream : streams()) {
    if (random() % 2) run(*stream, stream->done + random() % (stream->waiting.size() + 1));
  }
}

// Whoever asks again and again must see an end.
cudaError_t query(CUstream_st& stream, uint64_t position) {
  if (stream.done >= position) return synchronized(stream.device);
  run(stream, stream.done + 1);
  return cudaErrorNotReady;
}

}  // namespace

cudaError_t call(const std::function<cudaError_t()>& body) {
  std::lock_guard<std::mutex> lock(mutex);
  const cudaError_t error = body();
  if (error != cudaSuccess) last_error = error;
  return error;
}

cudaError_t refuse(cudaError_t error, const char* why) {
  fprintf(stderr, "emulator: %s\n", why);
  return error;
}

int current_device() {
  return device_in_force;
}

bool resolve(cudaStream_t& stream) {
  static cudaStream_t defaults[kDevices] = {};
  if (stream == nullptr) {
    cudaStream_t& own = defaults[current_device()];
    if (own == nullptr) own = streams().emplace_back(new CUstream_st(current_device())).get();
    stream = own;
  }
  return find(stream) != nullptr;
}

void run(CUstream_st& stream, uint64_t position) {
  while (stream.done < position) {
    const CUstream_st::Operation operation = std::move(stream.waiting.front());
    stream.waiting.pop_front();
    stream.done++;
    const cudaError_t error = operation();
    if (error != cudaSuccess) failures[stream.device] = error;
  }
}

void run_all(int device) {
  for (const auto& stream : streams()) {
    if (stream->device == device) run(*stream, stream->end());
  }
}

void enqueue(CUstream_st& stream, CUstream_st::Operation operation) {
  stream.waiting.push_back(std::move(operation));
  const char* setting = getenv("EMULATOR_STREAMS");
  const std::string order = setting ? setting : "lazy";
  if (order == "eager") {
    run(stream, stream.end());
  } else if (order != "lazy") {
    run_some(order);
  }
}

cudaError_t synchronized(int device) {
  release_unused(device);
  auto& all = streams();
  const auto is_over = [](const auto& stream) { return stream->destroyed && stream->waiting.empty(); };
  all.erase(std::remove_if(all.begin(), all.end(), is_over), all.end());
  return take_failure(device);
}

// EMULATOR_LAUNCHES: from when it is set so many launches succeed, and the next does not.
static bool is_refused_on_request() {
  static std::string setting;
  static unsigned long left = 0;
  const char* const now = getenv("EMULATOR_LAUNCHES");
  if (now == nullptr || setting != now) left = std::stoul(setting = now ? now : "0");
  return now != nullptr && left-- == 0;
}

void launch(unsigned grid, unsigned block, cudaStream_t stream, std::function<void()> thread) {
  call([&] {
    if (!resolve(stream)) return refuse(cudaErrorInvalidResourceHandle, "a launch on what is no stream");
    if (stream->device != current_device()) {
      return refuse(cudaErrorInvalidResourceHandle, "a launch on a stream of another device than the current one");
    }
    if (grid == 0 || block == 0 || block > 1024) return refuse(cudaErrorInvalidConfiguration, "a launch of this size");
    if (is_refused_on_request())
      return refuse(cudaErrorLaunchOutOfResources, "a launch that EMULATOR_LAUNCHES refuses");
    enqueue(*stream, [=] {
      const char* failure = run_grid(grid, block, thread);
      return failure ? refuse(cudaErrorLaunchFailure, failure) : cudaSuccess;
    });
    return stream->waiting.empty() ? take_failure(stream->device) : cudaSuccess;
  });
}

// EMULATOR_GRID: results must not depend on the number of blocks.
unsigned grid_override(unsigned grid) {
  const char* blocks = getenv("EMULATOR_GRID");
  return blocks ? unsigned(std::stoul(blocks)) : grid;
}

}  // namespace emulator

using namespace emulator;

cudaError_t cudaGetLastError() {
  return std::exchange(last_error, cudaSuccess);
}
cudaError_t cudaPeekAtLastError() {
  return last_error;
}

#define EMULATOR_ERRORS(ROW)                                                      \
  ROW(cudaSuccess, "no error")                                                    \
  ROW(cudaErrorInvalidValue, "invalid argument")                                  \
  ROW(cudaErrorMemoryAllocation, "out of memory")                                 \
  ROW(cudaErrorInvalidConfiguration, "invalid configuration argument")            \
  ROW(cudaErrorLaunchOutOfResources, "too many resources requested for launch")   \
  ROW(cudaErrorInsufficientDriver, "CUDA driver version is insufficient")         \
  ROW(cudaErrorNoDevice, "no CUDA-capable device is detected")                    \
  ROW(cudaErrorInvalidDevice, "invalid device ordinal")                           \
  ROW(cudaErrorNoKernelImageForDevice, "no kernel image is available for device") \
  ROW(cudaErrorInvalidResourceHandle, "invalid resource handle")                  \
  ROW(cudaErrorNotReady, "device not ready")                                      \
  ROW(cudaErrorIllegalAddress, "an illegal memory access was encountered")        \
  ROW(cudaErrorLaunchFailure, "unspecified launch failure")                       \
  ROW(cudaErrorNotSupported, "operation not supported")                           \
  ROW(cudaErrorUnknown, "unknown error")
const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define EMULATOR_ROW(name, text) \
  case name:                     \
    return #name;
    EMULATOR_ERRORS(EMULATOR_ROW)
#undef EMULATOR_ROW
  }
  return "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define EMULATOR_ROW(name, text) \
  case name:                     \
    return text;
    EMULATOR_ERRORS(EMULATOR_ROW)
#undef EMULATOR_ROW
  }
  return "unrecognized error code";
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = kDevices;
  return cudaSuccess;
}
static bool is_device(int device) {
  return device >= 0 && device < kDevices;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return call([&] {
    if (!is_device(device)) return cudaErrorInvalidDevice;
    *properties = {"Emulator", 9, 0, 1, total_memory()};
    return cudaSuccess;
  });
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return call([&] {
    if (!is_device(device)) return cudaErrorInvalidDevice;
    switch (attribute) {
      case cudaDevAttrComputeCapabilityMajor:
        *value = 9;
        return cudaSuccess;
      case cudaDevAttrComputeCapabilityMinor:
        *value = 0;
        return cudaSuccess;
      case cudaDevAttrMultiProcessorCount:
      case cudaDevAttrMemoryPoolsSupported:
        *value = 1;
        return cudaSuccess;
    }
    return cudaErrorInvalidValue;
  });
}
cudaError_t cudaSetDevice(int device) {
  return call([&] {
    if (!is_device(device)) return cudaErrorInvalidDevice;
    device_in_force = device;
    return cudaSuccess;
  });
}
cudaError_t cudaGetDevice(int* device) {
  *device = device_in_force;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  return call([&] {
    run_all(current_device());
    return synchronized(current_device());
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return call([&] {
    if (flags > cudaStreamNonBlocking) return cudaErrorInvalidValue;
    streams().emplace_back(new CUstream_st(current_device()));
    *stream = streams().back().get();
    return cudaSuccess;
  });
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call([&] {
    if (!resolve(stream)) return cudaErrorInvalidResourceHandle;
    stream->destroyed = true;
    return cudaSuccess;
  });
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return call([&] {
    if (!resolve(stream)) return cudaErrorInvalidResourceHandle;
    run(*stream, stream->end());
    return synchronized(stream->device);
  });
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return call([&] { return resolve(stream) ? query(*stream, stream->end()) : cudaErrorInvalidResourceHandle; });
}
// Waits for the recording that the event has now: a later one is none of its business.
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return call([&] {
    if (!resolve(stream) || !is_event(event)) return cudaErrorInvalidResourceHandle;
    if (event->last == nullptr) return cudaSuccess;
    enqueue(*stream, [recording = event->last] {
      run(*recording->stream, recording->position);
      return cudaSuccess;
    });
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return call([&] {
    events().emplace_back(new CUevent_st{current_device(), !(flags & cudaEventDisableTiming), nullptr});
    *event = events().back().get();
    return cudaSuccess;
  });
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call([&] {
    if (!is_event(event)) return cudaErrorInvalidResourceHandle;
    auto& all = events();
    all.erase(std::find_if(all.begin(), all.end(), [=](const auto& each) { return each.get() == event; }));
    return cudaSuccess;
  });
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return call([&] {
    if (!resolve(stream) || !is_event(event)) return cudaErrorInvalidResourceHandle;
    if (event->device != stream->device) {
      return refuse(cudaErrorInvalidResourceHandle, "an event and a stream of two devices");
    }
    const auto recording = std::make_shared<Recording>();
    recording->stream = find(stream);
    recording->position = stream->end() + 1;
    event->last = recording;
    enqueue(*stream, [=] {
      recording->time = std::chrono::steady_clock::now();
      return cudaSuccess;
    });
    return cudaSuccess;
  });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call([&] {
    if (!is_event(event)) return cudaErrorInvalidResourceHandle;
    if (event->last == nullptr) return cudaSuccess;
    run(*event->last->stream, event->last->position);
    return synchronized(event->device);
  });
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  return call([&] {
    if (!is_event(event)) return cudaErrorInvalidResourceHandle;
    return event->last ? query(*event->last->stream, event->last->position) : cudaSuccess;
  });
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return call([&] {
    for (const cudaEvent_t event : {start, end}) {
      if (!is_event(event) || !event->has_time || !event->last) return cudaErrorInvalidResourceHandle;
    }
    if (!start->last->is_done() || !end->last->is_done()) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(end->last->time - start->last->time).count();
    return cudaSuccess;
  });
}
