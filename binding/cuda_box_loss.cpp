#include "../core/reduction.h"
#include "block.h"
#include "cuda_handles.h"

namespace scaloss {

namespace {

enum Argument { kBlock, kStream, kSum, kInvalidRows, kPred };

// Kernels load 16 bytes of a box at a time, so boxes and gradients need this alignment.
constexpr uintptr_t kBoxAlignment = 16;

// The tensors of one call, which are all on one device.
class Tensors {
 public:
  Tensors(const Arguments& arguments, const std::shared_ptr<Stream>& stream) : arguments_(arguments), stream_(stream) {}

  template <class S>
  S* array(int argument, size_t length, uintptr_t alignment = sizeof(S)) const {
    const TensorHandle& tensor = arguments_.handle<TensorHandle>(argument);
    const auto fail = [=](const char* why) {
      throw ArgumentError{"argument " + std::to_string(argument) + " has the wrong " + why};
    };
    if (tensor.dtype != kDTypeOf<S>) fail("dtype");
    if (tensor.length != length) fail("length");
    if (tensor.memory->device() != stream_->device) fail("device");
    if (reinterpret_cast<uintptr_t>(tensor.data()) % alignment != 0) fail("alignment");
    tensor.memory->use_on(stream_);
    return reinterpret_cast<S*>(tensor.data());
  }

 private:
  const Arguments& arguments_;
  const std::shared_ptr<Stream>& stream_;
};

template <class S>
void enqueue(const Arguments& arguments, const Block& block, const std::shared_ptr<Stream>& stream, size_t length) {
  if (length == 0 || length % (2 * block.axes()) != 0) {
    throw ArgumentError{"pred is not [N, 2 axes of the loss], N > 0"};
  }
  const Tensors tensors(arguments, stream);
  CHECK_CUDA(cudaSetDevice(stream->device));
  BoxLossJob<S> job = block.box_loss_job<S>();
  block.set_arrays(job, length, [&](int array, size_t numbers) {
    return tensors.array<S>(kPred + array, numbers, kHasBoxes[array] ? kBoxAlignment : sizeof(S));
  });
  double* const sum = tensors.array<double>(kSum, 1);
  double* const invalid_rows = tensors.array<double>(kInvalidRows, 1);
  const int multiprocessors = probe_cuda().devices[stream->device].multiprocessors;
  const ReductionWorkspace workspace =
      stream->workspace(tile_count(job.boxes), box_loss_blocks(job, multiprocessors), sum, invalid_rows);
  CHECK_CUDA(launch_box_loss(job, workspace, multiprocessors, stream->handle()));
  stream->mark_use();
}

}  // namespace

Napi::Value device_box_loss(const Arguments& arguments) {
  const Block block = block_argument(arguments, kBlock);
  const std::shared_ptr<Stream>& stream = stream_argument(arguments, kStream);
  const TensorHandle& pred = arguments.handle<TensorHandle>(kPred);
  dispatch_dtype(pred.dtype,
                 [&](auto stored) { enqueue<typename decltype(stored)::type>(arguments, block, stream, pred.length); });
  return {};
}

}  // namespace scaloss
