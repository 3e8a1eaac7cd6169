#include "pairwise.h"

#include "../cpu/backend.h"
#include "../cuda/backend.h"
#include "arguments.h"

namespace scaloss {

namespace {

enum Argument { k_a = 1, k_b, k_out };

template <class T>
void run(const Arguments& arguments, const ArrayView& a) {
  PairwiseJob<T> job;
  job.params = arguments.loss_params<T>();
  const size_t columns = 2 * arguments.axes();
  const ArrayView b = arguments.boxes(k_b, columns);
  job.rows = int64_t(a.length / columns);
  job.columns = int64_t(b.length / columns);
  job.a = static_cast<const T*>(a.data);
  job.b = arguments.array<T>(k_b, b.length);
  job.out = arguments.array<T>(k_out, size_t(job.rows) * size_t(job.columns));
  job.format = arguments.format();
  job.value = PairValue(arguments.index(k_pairValue, 3, "value of a pair"));
  if (arguments.index(k_backend, 2, "backend") == 0) return cpu_pairwise(job, arguments.threads());
  cuda_pairwise(job, arguments.index(k_device, int(probe_cuda().devices.size()), "device"));
}

}  // namespace

napi_value pairwise(napi_env env, napi_callback_info info) {
  return with_js_errors(env, "pairwise", [=] {
    const Arguments arguments(env, info);
    const ArrayView a = arguments.boxes(k_a, 2 * arguments.axes());
    a.type == napi_float64_array ? run<double>(arguments, a) : run<float>(arguments, a);
    return nullptr;
  });
}

}  // namespace scaloss
