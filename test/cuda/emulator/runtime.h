// What the two halves of the emulated CUDA runtime share: streams (runtime.cpp) and memory (memory.cpp).
#pragma once

#include <cuda_runtime_api.h>

#include <deque>
#include <functional>

// A queue of operations, each of which runs when the queue is made to run.
struct CUstream_st {
  using Operation = std::function<cudaError_t()>;
  const int device;
  std::deque<Operation> waiting;
  uint64_t done = 0;
  bool destroyed = false;  // takes nothing more, but what is in it still runs

  explicit CUstream_st(int stream_device) : device(stream_device) {}
  uint64_t end() const { return done + waiting.size(); }
};

namespace emulator {

constexpr int kDevices = 2;

// Every function of the runtime runs its body through this: one at a time, the error kept for cudaGetLastError().
cudaError_t call(const std::function<cudaError_t()>& body);

// `why` to stderr.
cudaError_t refuse(cudaError_t error, const char* why);

int current_device();
// Whether there is such a stream. Null becomes the one that it stands for: the default stream of the current device.
bool resolve(cudaStream_t& stream);

// Then runs what EMULATOR_STREAMS asks for.
void enqueue(CUstream_st& stream, CUstream_st::Operation operation);

// Runs operations until `position` of them are done.
void run(CUstream_st& stream, uint64_t position);
void run_all(int device);

// For the calls that wait: the failure of an operation since the last such call, and pools give back what they may.
cudaError_t synchronized(int device);
void release_unused(int device);

// In bytes, from EMULATOR_MEMORY.
size_t total_memory();

}  // namespace emulator
