// STREAM's add, a[i] = b[i] + c[i], over the arrays of a loss: what the memory gives to a loop that reads pred and
// target and writes grad, and computes next to nothing.
#define NAPI_VERSION 8
#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <thread>

#ifdef __AVX__
#  include <immintrin.h>
#endif

namespace {

void add(const float* __restrict b, const float* __restrict c, float* __restrict a, size_t length) {
  for (size_t i = 0; i < length; ++i) a[i] = b[i] + c[i];
}

#if defined(__AVX512F__)
constexpr size_t kWidth = 16;
void addPack(const float* b, const float* c, float* a) {
  _mm512_stream_ps(a, _mm512_add_ps(_mm512_loadu_ps(b), _mm512_loadu_ps(c)));
}
#elif defined(__AVX__)
constexpr size_t kWidth = 8;
void addPack(const float* b, const float* c, float* a) {
  _mm256_stream_ps(a, _mm256_add_ps(_mm256_loadu_ps(b), _mm256_loadu_ps(c)));
}
#else
constexpr size_t kWidth = 0;
#endif

/// The same with stores that pass the caches by, so that a's old values are not read. `a` is aligned to 64 bytes.
void addStreaming(const float* b, const float* c, float* a, size_t length) {
#ifdef __AVX__
  const size_t packs = length / kWidth * kWidth;
  for (size_t i = 0; i < packs; i += kWidth) addPack(b + i, c + i, a + i);
  _mm_sfence();
  b += packs, c += packs, a += packs, length -= packs;
#endif
  add(b, c, a, length);
}

struct Floats {
  float* data;
  size_t length;
};

bool floatsOf(napi_env env, napi_value value, Floats& floats) {
  napi_typedarray_type type;
  void* data;
  if (napi_get_typedarray_info(env, value, &type, &floats.length, &data, nullptr, nullptr) != napi_ok) return false;
  floats.data = static_cast<float*>(data);
  return type == napi_float32_array;
}

/// add(b, c, a, streaming, twoThreads). The second thread is started for the call: some 20 microseconds, in no row of a
/// report that they would show in.
napi_value add(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  size_t count = 5;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  Floats b, c, a;
  bool streaming, twoThreads;
  const bool valid = count == 5 && floatsOf(env, arguments[0], b) && floatsOf(env, arguments[1], c) &&
                     floatsOf(env, arguments[2], a) && napi_get_value_bool(env, arguments[3], &streaming) == napi_ok &&
                     napi_get_value_bool(env, arguments[4], &twoThreads) == napi_ok && b.length == a.length &&
                     c.length == a.length && (!streaming || reinterpret_cast<uintptr_t>(a.data) % 64 == 0);
  if (!valid) {
    napi_throw_type_error(
        env, nullptr,
        "add: expected three Float32Arrays of one length, the last aligned to 64 bytes, and two booleans");
    return nullptr;
  }
  const auto kernel = streaming ? addStreaming : static_cast<decltype(&addStreaming)>(add);
  const size_t half = twoThreads ? a.length / 2 / 16 * 16 : 0;
  if (half == 0) {
    kernel(b.data, c.data, a.data, a.length);
    return nullptr;
  }
  std::thread other(kernel, b.data, c.data, a.data, half);
  kernel(b.data + half, c.data + half, a.data + half, a.length - half);
  other.join();
  return nullptr;
}

/// What any call from JavaScript costs.
napi_value nothing(napi_env, napi_callback_info) {
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  const napi_property_descriptor properties[] = {
      {"add", nullptr, add, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"nothing", nullptr, nothing, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_value streaming;
  napi_get_boolean(env, kWidth > 0, &streaming);
  napi_set_named_property(env, exports, "streaming", streaming);
  napi_define_properties(env, exports, 2, properties);
  return exports;
}
