#include "../../cuda/reduction.h"
#include "handles.h"

namespace scaloss {

namespace {

enum Argument {
  k_stream = 1,
  k_pred,
  k_target,
  k_weight,
  k_gradOutput,
  k_loss,
  k_grad,
  k_gradTarget,
  k_iou,
  k_sum,
  k_invalidRows
};

// Of boxes and their gradients: kernels load 16 bytes at a time.
constexpr uintptr_t kBoxAlignment = 16;

// The tensors of one call, all of one device.
class Tensors {
 public:
  Tensors(napi_env env, const Arguments& arguments, const std::shared_ptr<Stream>& stream)
      : env_(env), arguments_(arguments), stream_(stream) {}

  template <class S>
  S* array(Argument argument, size_t length, uintptr_t alignment = sizeof(S)) const {
    const TensorHandle& tensor = handle_from_js<TensorHandle>(env_, arguments_[int(argument)]);
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
  // As of boxLoss: null where the scalar `arrays` does not name it; its bits count from pred, 1.
  template <class S>
  S* optional(Argument argument, size_t length, uintptr_t alignment = sizeof(S)) const {
    const bool given = unsigned(arguments_[k_arrays]) >> (argument - 1) & 1;
    return given ? array<S>(argument, length, alignment) : nullptr;
  }

 private:
  napi_env env_;
  const Arguments& arguments_;
  const std::shared_ptr<Stream>& stream_;
};

template <class S>
void enqueue(napi_env env, const Arguments& arguments, const std::shared_ptr<Stream>& stream, size_t length) {
  const size_t columns = 2 * arguments.axes(), n = length / columns;
  if (n == 0 || n * columns != length) throw ArgumentError{"pred is not [N, 2 axes of the loss], N > 0"};
  const Tensors tensors(env, arguments, stream);
  CHECK_CUDA(cudaSetDevice(stream->device));
  BoxLossJob<S> job = arguments.box_loss_job<S>();
  job.boxes = int64_t(n);
  job.pred = tensors.array<S>(k_pred, length, kBoxAlignment);
  job.target = tensors.array<S>(k_target, length, kBoxAlignment);
  job.weight = tensors.optional<S>(k_weight, n);
  job.grad_output = tensors.optional<S>(k_gradOutput, n);
  job.loss = tensors.optional<S>(k_loss, n);
  job.grad = tensors.optional<S>(k_grad, length, kBoxAlignment);
  job.grad_target = tensors.optional<S>(k_gradTarget, length, kBoxAlignment);
  job.iou = tensors.optional<S>(k_iou, n);
  double* const sum = tensors.array<double>(k_sum, 1);
  double* const invalid_rows = tensors.array<double>(k_invalidRows, 1);
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
    const std::shared_ptr<Stream>& stream = handle_from_js<StreamHandle>(env, arguments[int(k_stream)]).stream;
    const TensorHandle& pred = handle_from_js<TensorHandle>(env, arguments[int(k_pred)]);
    switch (pred.dtype) {
#define SCALOSS_ROW(name, Type)                         \
  case DType::name:                                     \
    enqueue<Type>(env, arguments, stream, pred.length); \
    break;
      SCALOSS_DTYPES(SCALOSS_ROW)
#undef SCALOSS_ROW
    }
    return nullptr;
  });
}

}  // namespace scaloss
