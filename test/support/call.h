// One call of a loss on the CPU backend from C++, and the comparison of what two calls give.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "../../cpu/backend.h"
#include "expect.h"
#include "variants.h"

namespace check {

// `count` numbers at an address aligned to 16 bytes, full of NaN, and not a byte more: AddressSanitizer sees whatever
// touches the next.
template <class T>
class Array {
 public:
  explicit Array(size_t count) : count_(count) {
    void* memory = nullptr;
    if (count > 0 && posix_memalign(&memory, 16, count * sizeof(T)) != 0) abort();
    if (count > 0) memset(memory, 0xff, count * sizeof(T));
    data_ = static_cast<T*>(memory);
  }
  ~Array() { free(data_); }
  Array(const Array&) = delete;

  size_t size() const { return count_; }
  T* data() const { return data_; }
  T& operator[](size_t i) const { return data_[i]; }

 private:
  const size_t count_;
  T* data_;
};

// The same options, rounded to the type.
template <class T, class From>
scaloss::LossParams<T> params_as(const scaloss::LossParams<From>& from) {
  scaloss::LossParams<T> params;
  params.alpha = T(from.alpha);
  params.epsilon = T(from.epsilon);
  params.log_floor = T(from.log_floor);
  params.power = T(from.power);
  params.inner = T(from.inner);
  params.focal = T(from.focal);
  params.beta = T(from.beta);
  params.image_scale = T(from.image_scale);
  params.constant = T(from.constant);
  params.mode = from.mode;
  params.detach_alpha = from.detach_alpha;
  params.loss = from.loss;
  derive(params);
  return params;
}

template <class T>
struct Inputs {
  Inputs(size_t n, int axes) : rows(int64_t(n)), pred(2 * axes * n), target(2 * axes * n), weight(n), grad_output(n) {}
  const int64_t rows;
  Array<T> pred, target, weight, grad_output;
};

// What a call asks for.
struct Demand {
  bool loss, grad, grad_target, iou, weight, grad_output, ignore_invalid, ignore_all;
  scaloss::Format format;
  double loss_scale, grad_scale, sum_divisor;
};
inline Demand everything() {
  return {true, true, true, true, true, true, false, false, scaloss::Format::xyxy, 1, 1, 1};
}

template <class T>
struct Outputs {
  Outputs(const Demand& demand, size_t n, int axes)
      : loss(demand.loss ? n : 0),
        grad(demand.grad ? 2 * axes * n : 0),
        grad_target(demand.grad_target ? 2 * axes * n : 0),
        iou(demand.iou ? n : 0) {}
  Array<T> loss, grad, grad_target, iou;
  scaloss::BoxLossSummary summary;
};

template <class T>
scaloss::BoxLossJob<T> job_of(const Variant& variant, const Demand& demand, const Inputs<T>& in, Outputs<T>& out) {
  scaloss::BoxLossJob<T> job;
  job.boxes = in.rows;
  job.pred = in.pred.data();
  job.target = in.target.data();
  job.weight = demand.weight ? in.weight.data() : nullptr;
  job.grad_output = demand.grad_output ? in.grad_output.data() : nullptr;
  job.loss = out.loss.data();
  job.grad = out.grad.data();
  job.grad_target = out.grad_target.data();
  job.iou = out.iou.data();
  job.params = params_as<T>(variant.params);
  job.loss_scale = T(demand.loss_scale);
  job.sum_scale = demand.loss_scale;
  job.grad_scale = T(demand.grad_scale);
  job.divisor = demand.sum_divisor;
  job.format = demand.format;
  job.ignore_invalid = demand.ignore_invalid;
  job.ignore_all = demand.ignore_all;
  return job;
}

template <class T>
void run_cpu(const char* level, const Variant& variant, const Demand& demand, const Inputs<T>& in, Outputs<T>& out,
             int threads = 1) {
  scaloss::set_level(level);
  out.summary = cpu_box_loss(job_of(variant, demand, in, out), threads);
}

// Which of its many NaNs a processor gives is not defined.
template <class T>
bool same_bits(T a, T b) {
  return memcmp(&a, &b, sizeof(T)) == 0 || (a != a && b != b);
}

template <class T>
void expect_same(const char* who, const char* what, const Array<T>& expected, const Array<T>& actual, int columns,
                 const Inputs<T>& in, int box_columns) {
  if (expected.size() == 0 || memcmp(expected.data(), actual.data(), expected.size() * sizeof(T)) == 0) return;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (same_bits(expected[i], actual[i])) continue;
    const size_t row = i / columns;
    char text[128];
    snprintf(text, sizeof text, "%s: %s[%zu] of row %zu of %lld is %a, not %a:", who, what, i % columns, row,
             (long long)in.rows, double(actual[i]), double(expected[i]));
    std::string why = text;
    for (const auto* boxes : {&in.pred, &in.target}) {
      why += boxes == &in.pred ? " pred" : ", target";
      for (int k = 0; k < box_columns; ++k) {
        snprintf(text, sizeof text, " %a", double((*boxes)[box_columns * row + k]));
        why += text;
      }
    }
    throw Failed{why};
  }
}

template <class T>
void expect_same(const std::string& who, const Outputs<T>& expected, const Outputs<T>& actual, const Inputs<T>& in,
                 int axes) {
  const char* name = who.c_str();
  expect_same(name, "loss", expected.loss, actual.loss, 1, in, 2 * axes);
  expect_same(name, "grad", expected.grad, actual.grad, 2 * axes, in, 2 * axes);
  expect_same(name, "grad_target", expected.grad_target, actual.grad_target, 2 * axes, in, 2 * axes);
  expect_same(name, "iou", expected.iou, actual.iou, 1, in, 2 * axes);
  char text[128];
  snprintf(text, sizeof text, ": the sum is %a, not %a", actual.summary.loss, expected.summary.loss);
  expect(same_bits(expected.summary.loss, actual.summary.loss), who + text);
  snprintf(text, sizeof text, ": %lld invalid rows, not %lld", (long long)actual.summary.invalid,
           (long long)expected.summary.invalid);
  expect(expected.summary.invalid == actual.summary.invalid, who + text);
}

}  // namespace check
