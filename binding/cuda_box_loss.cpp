#include "../core/reduction.h"
#include "cuda_handles.h"

namespace scaloss {

namespace {

// Arguments after the block of numbers.
constexpr int kStream = 1, kPred = 2, kSum = kPred + int(JobArray::iou) + 1, kInvalidRows = kSum + 1;

// Of boxes and their gradients: kernels load 16 bytes at a time.
constexpr uintptr_t kBoxAlignment = 16;

// The tensors of one call, all of one device.
class Tensors {
 public:
  Tensors(napi_env env, const Arguments& arguments, const std::shared_ptr<Stream>& stream)
      : env_(env), arguments_(arguments), stream_(stream) {}

  template <class S>
  S* array(int argument, size_t length, uintptr_t alignment = sizeof(S)) const {
    const TensorHandle& tensor = handle_from_js<TensorHandle>(env_, arguments_[argument]);
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
  napi_env env_;
  const Arguments& arguments_;
  const std::shared_ptr<Stream>& stream_;
};

template <class S>
void enqueue(napi_env env, const Arguments& arguments, const std::shared_ptr<Stream>& stream, size_t length) {
  if (length == 0 || length % (2 * arguments.axes()) != 0) {
    throw ArgumentError{"pred is not [N, 2 axes of the loss], N > 0"};
  }
  const Tensors tensors(env, arguments, stream);
  CHECK_CUDA(cudaSetDevice(stream->device));
  const BoxLossJob<S> job = arguments.box_loss_job<S>(length, [&](JobArray array, size_t numbers) {
    return tensors.array<S>(kPred + int(array), numbers, numbers == length ? kBoxAlignment : sizeof(S));
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

napi_value device_box_loss(napi_env env, napi_callback_info info) {
  return with_js_errors(env, "deviceBoxLoss", [=]() -> napi_value {
    const Arguments arguments(env, info);
    const std::shared_ptr<Stream>& stream = handle_from_js<StreamHandle>(env, arguments[kStream]).stream;
    const TensorHandle& pred = handle_from_js<TensorHandle>(env, arguments[kPred]);
    dispatch_dtype(pred.dtype,
                   [&](auto stored) { enqueue<typename decltype(stored)::type>(env, arguments, stream, pred.length); });
    return nullptr;
  });
}

}  // namespace scaloss
