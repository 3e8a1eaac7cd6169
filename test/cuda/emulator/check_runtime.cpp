// The emulated runtime by itself: what a wrong use of streams and memory looks like.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "check.h"
#include "emulator.h"

namespace check {

namespace {

constexpr size_t kCount = 100, kBytes = kCount * sizeof(float);

void ok(cudaError_t error) {
  expect(error == cudaSuccess, cudaGetErrorName(error));
}
void expect_error(cudaError_t expected, cudaError_t error) {
  expect(error == expected, std::string(cudaGetErrorName(error)) + " instead of " + cudaGetErrorName(expected));
  expect(cudaGetLastError() == expected, "cudaGetLastError() does not tell");
}

cudaStream_t make_stream() {
  cudaStream_t stream;
  ok(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}
cudaEvent_t make_event() {
  cudaEvent_t event;
  ok(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return event;
}
float* device_floats() {
  void* memory;
  ok(cudaMalloc(&memory, kBytes));
  return static_cast<float*>(memory);
}
// Pinned.
float* host_floats(float value) {
  void* memory;
  ok(cudaHostAlloc(&memory, kBytes, cudaHostAllocDefault));
  auto* floats = static_cast<float*>(memory);
  for (size_t i = 0; i < kCount; ++i) floats[i] = value;
  return floats;
}
void upload(float* device, const float* host, cudaStream_t stream) {
  ok(cudaMemcpyAsync(device, host, kBytes, cudaMemcpyHostToDevice, stream));
}
void download(float* host, const float* device, cudaStream_t stream) {
  ok(cudaMemcpyAsync(host, device, kBytes, cudaMemcpyDeviceToHost, stream));
}

void double_all(float* numbers) {
  numbers[threadIdx.x] *= 2;
}
void launch_double(float* device, cudaStream_t stream) {
  scaloss::launch_kernel(double_all, 1, kCount, stream, device);
  ok(cudaGetLastError());
}

// 5 up on one stream, doubled on another, down on a third, with or without the events between them: what arrives.
float relay(bool waits) {
  const cudaStream_t streams[] = {make_stream(), make_stream(), make_stream()};
  const cudaEvent_t event = make_event();
  float* const device = device_floats();
  float *const from = host_floats(5), *const to = host_floats(0);
  const auto hand_over = [&](int i) {
    ok(cudaEventRecord(event, streams[i]));
    if (waits) ok(cudaStreamWaitEvent(streams[i + 1], event));
  };
  upload(device, from, streams[0]);
  hand_over(0);
  launch_double(device, streams[1]);
  hand_over(1);
  download(to, device, streams[2]);
  ok(cudaStreamSynchronize(streams[2]));
  const float arrived = to[kCount - 1];
  ok(cudaFree(device));  // waits for the device
  ok(cudaFreeHost(from));
  ok(cudaFreeHost(to));
  for (const cudaStream_t stream : streams) ok(cudaStreamDestroy(stream));
  ok(cudaEventDestroy(event));
  return arrived;
}

void check_order() {
  expect(relay(true) == 10, "events do not order streams");
  const float unordered = relay(false);
  expect(unordered != unordered, "a missing wait does not show");
  setenv("EMULATOR_STREAMS", "eager", 1);
  expect(relay(false) == 10, "eager streams wait for something");
  int missed = 0;
  for (int seed = 0; seed < 20; ++seed) {
    setenv("EMULATOR_STREAMS", std::to_string(seed).c_str(), 1);
    expect(relay(true) == 10, "events do not order streams that run by chance");
    missed += relay(false) != 10;
  }
  unsetenv("EMULATOR_STREAMS");
  expect(missed > 0 && missed < 20, "chance has no part in it");
}

void check_events() {
  const cudaStream_t first = make_stream(), second = make_stream();
  float* const device = device_floats();
  float* const host = host_floats(1);
  const cudaEvent_t event = make_event();
  ok(cudaStreamWaitEvent(second, event));
  ok(cudaEventSynchronize(event));
  ok(cudaEventQuery(event));
  ok(cudaEventRecord(event, first));
  ok(cudaStreamWaitEvent(second, event));
  upload(device, host, first);
  ok(cudaEventRecord(event, first));
  ok(cudaStreamSynchronize(second));
  expect(device[0] != device[0], "a wait is for a recording after it");
  expect_error(cudaErrorNotReady, cudaEventQuery(event));
  while (cudaEventQuery(event) == cudaErrorNotReady) cudaGetLastError();
  expect(device[0] == 1, "who asks again and again sees no end");

  cudaEvent_t start, end;
  ok(cudaEventCreate(&start));
  ok(cudaEventCreate(&end));
  float milliseconds = -1;
  expect_error(cudaErrorInvalidResourceHandle, cudaEventElapsedTime(&milliseconds, start, end));
  ok(cudaEventRecord(start, first));
  launch_double(device, first);
  ok(cudaEventRecord(end, first));
  expect_error(cudaErrorNotReady, cudaEventElapsedTime(&milliseconds, start, end));
  ok(cudaEventSynchronize(end));
  ok(cudaEventElapsedTime(&milliseconds, start, end));
  expect(milliseconds > 0, "no time passes");
  expect_error(cudaErrorInvalidResourceHandle, cudaEventElapsedTime(&milliseconds, event, end));

  ok(cudaSetDevice(1));
  const cudaStream_t elsewhere = make_stream();
  ok(cudaStreamWaitEvent(elsewhere, end));
  expect_error(cudaErrorInvalidResourceHandle, cudaEventRecord(end, elsewhere));
  ok(cudaStreamSynchronize(elsewhere));
  ok(cudaSetDevice(0));
  ok(cudaStreamDestroy(elsewhere));
  expect_error(cudaErrorInvalidResourceHandle, cudaStreamSynchronize(elsewhere));
  ok(cudaFree(device));
  ok(cudaFreeHost(host));
}

void check_copies() {
  const cudaStream_t stream = make_stream();
  float* const device = device_floats();
  std::vector<float> pageable(kCount, 3), back(kCount);
  upload(device, pageable.data(), stream);
  pageable.assign(kCount, 4);
  expect(device[0] != device[0], "an upload does not wait its turn");
  download(back.data(), device, stream);
  expect(back[0] == 3, "an upload from pageable memory reads it late");
  float *const pinned = host_floats(5), *const pinned_back = host_floats(0);
  upload(device, pinned, stream);
  download(pinned_back, device, stream);
  pinned[0] = 6;
  expect(pinned_back[0] == 0, "a download to pinned memory does not wait its turn");
  ok(cudaStreamSynchronize(stream));
  expect(pinned_back[0] == 6 && pinned_back[1] == 5, "pinned memory is read early");
  ok(cudaMemsetAsync(device, 0, kBytes, stream));
  ok(cudaMemcpyAsync(back.data(), device, kBytes, cudaMemcpyDefault, stream));
  expect(back[0] == 0, "a fill does nothing");

  expect_error(cudaErrorInvalidValue, cudaMemcpyAsync(device + 1, pinned, kBytes, cudaMemcpyHostToDevice, stream));
  expect_error(cudaErrorInvalidValue, cudaMemcpyAsync(back.data(), pinned, kBytes, cudaMemcpyDeviceToHost, stream));
  expect_error(cudaErrorInvalidValue, cudaMemcpyAsync(device, device, kBytes, cudaMemcpyHostToDevice, stream));
  expect_error(cudaErrorInvalidValue, cudaMemsetAsync(device, 0, kBytes + 1, stream));
  expect_error(cudaErrorInvalidResourceHandle,
               cudaMemsetAsync(device, 0, kBytes, reinterpret_cast<cudaStream_t>(back.data())));
  // The default stream is that of the current device.
  ok(cudaMemsetAsync(device, 0xFF, kBytes, nullptr));
  ok(cudaSetDevice(1));
  ok(cudaStreamSynchronize(nullptr));
  expect(device[0] == 0, "the default stream of another device is waited for");
  ok(cudaSetDevice(0));
  ok(cudaStreamSynchronize(nullptr));
  expect(device[0] != device[0], "the default stream is not waited for");
  ok(cudaSetDevice(1));
  const cudaStream_t elsewhere = make_stream();
  expect_error(cudaErrorInvalidValue, cudaMemsetAsync(device, 0, kBytes, elsewhere));
  ok(cudaSetDevice(0));

  upload(device, pinned, stream);
  ok(cudaFreeHost(pinned));
  expect_error(cudaErrorIllegalAddress, cudaStreamSynchronize(stream));
  ok(cudaFreeHost(pinned_back));
  ok(cudaFree(device));
  expect_error(cudaErrorInvalidValue, cudaFree(device));
}

void check_memory() {
  setenv("EMULATOR_MEMORY", "1000", 1);
  void *first, *second;
  ok(cudaMalloc(&first, 600));
  expect_error(cudaErrorMemoryAllocation, cudaMalloc(&second, 600));
  size_t free, total;
  ok(cudaMemGetInfo(&free, &total));
  expect(free == 400 && total == 1000, "wrong sizes");
  ok(cudaSetDevice(1));
  ok(cudaMalloc(&second, 600));
  cudaPointerAttributes attributes;
  ok(cudaPointerGetAttributes(&attributes, static_cast<char*>(second) + 599));
  expect(attributes.type == cudaMemoryTypeDevice && attributes.device == 1, "an inner pointer is not known");
  ok(cudaPointerGetAttributes(&attributes, &free));
  expect(attributes.type == cudaMemoryTypeUnregistered, "any memory is known");
  ok(cudaFree(second));
  ok(cudaSetDevice(0));
  ok(cudaFree(first));

  // From a pool, in the order of a stream.
  const cudaMemPoolProps properties = {
      cudaMemAllocationTypePinned, cudaMemHandleTypeNone, {cudaMemLocationTypeDevice, 0}, nullptr, 0, 0, {}};
  cudaMemPool_t pool;
  ok(cudaMemPoolCreate(&pool, &properties));
  uint64_t value = 700;
  ok(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &value));
  const auto attribute = [&](cudaMemPoolAttr name) {
    ok(cudaMemPoolGetAttribute(pool, name, &value));
    return value;
  };
  const cudaStream_t stream = make_stream();
  ok(cudaMallocFromPoolAsync(&first, 900, pool, stream));
  ok(cudaFreeAsync(first, stream));
  expect_error(cudaErrorInvalidValue, cudaMemsetAsync(first, 0, 1, stream));
  expect(attribute(cudaMemPoolAttrUsedMemCurrent) == 900, "memory is freed before its turn");
  ok(cudaMallocFromPoolAsync(&first, 800, pool, stream));  // has the room of the one before
  ok(cudaFreeAsync(first, stream));
  ok(cudaStreamSynchronize(stream));
  expect(attribute(cudaMemPoolAttrUsedMemCurrent) == 0, "memory is not freed");
  expect(attribute(cudaMemPoolAttrReservedMemCurrent) == 700, "the pool keeps another amount");
  ok(cudaMemPoolTrimTo(pool, 0));
  expect(attribute(cudaMemPoolAttrReservedMemCurrent) == 0, "the pool keeps some");
  unsetenv("EMULATOR_MEMORY");

  // Another stream that still uses it.
  const cudaStream_t other = make_stream();
  ok(cudaMallocFromPoolAsync(&first, kBytes, pool, stream));
  ok(cudaMemsetAsync(first, 0, kBytes, other));
  ok(cudaFreeAsync(first, stream));
  ok(cudaStreamSynchronize(stream));
  expect_error(cudaErrorIllegalAddress, cudaStreamSynchronize(other));
  ok(cudaMemPoolDestroy(pool));
}

void wait_alone(float*) {
  if (threadIdx.x == 0) __syncthreads();
}
void load_between(const float4* numbers) {
  __ldcs(reinterpret_cast<const float4*>(reinterpret_cast<const char*>(numbers) + 4));
}
void end_while_others_wait(float*) {
  if (threadIdx.x > 0) __syncthreads();
}

void check_failures() {
  const cudaStream_t stream = make_stream();
  float* const device = device_floats();
  scaloss::launch_kernel(wait_alone, 1, 1024, stream, device);
  ok(cudaGetLastError());
  expect_error(cudaErrorLaunchFailure, cudaStreamSynchronize(stream));
  scaloss::launch_kernel(end_while_others_wait, 1, 32, stream, device);
  expect_error(cudaErrorLaunchFailure, cudaStreamSynchronize(stream));
  scaloss::launch_kernel(load_between, 1, 32, stream, reinterpret_cast<const float4*>(device));
  expect_error(cudaErrorLaunchFailure, cudaDeviceSynchronize());
  scaloss::launch_kernel(wait_alone, 0, 32, stream, device);
  expect(cudaGetLastError() == cudaErrorInvalidConfiguration, "a launch of no blocks is taken");
  ok(cudaMemsetAsync(device, 0, kBytes, stream));
  launch_double(device, stream);
  ok(cudaStreamSynchronize(stream));
  expect(device[kCount - 1] == 0, "nothing runs after a failure");
  ok(cudaSetDevice(1));
  scaloss::launch_kernel(double_all, 1, 1, stream, device);
  expect(cudaGetLastError() == cudaErrorInvalidResourceHandle, "a launch on a stream of another device is taken");
  ok(cudaSetDevice(0));
  ok(cudaFree(device));
}

}  // namespace

void check_runtime() {
  run("runtime: order of streams", check_order);
  run("runtime: events", check_events);
  run("runtime: copies", check_copies);
  run("runtime: memory", check_memory);
  run("runtime: failing launches", check_failures);
}

}  // namespace check
