// One call of headLoss: a call of boxLoss whose predicted boxes come from raw numbers, and whose gradient goes back to
// them.
#pragma once

#include "dfl.h"
#include "job.h"

namespace scaloss {

template <class T>
struct HeadJob {
  BoxLossJob<T> loss;  // without pred and grad; its loss has two axes
  CoderParams<T> coder;
  const T* raw;      // [N, raw_columns()]
  const T* prior;    // [priors, coder.prior_columns]
  int64_t priors;    // N is a multiple of it: the priors of one image, for each image of a batch
  const T* project;  // [coder.bins], the distance that each bin stands for
  T* grad;           // [N, raw_columns()] or null
  T* boxes;          // [N, 4] or null
  // As loss_scale, grad_scale and sum_scale, for the cross entropy of the two bins; 0 if it is not part of the loss.
  T dfl_loss_scale, dfl_grad_scale;
  double dfl_sum_scale;
};

template <class T>
int raw_columns(const CoderParams<T>& coder) {
  return coder.kind == Coder::dfl ? 4 * coder.bins : 4;
}

// The arrays of a call in the order in which they cross the boundary to JavaScript (src/core/head-job.ts): inputs
// first.
enum class HeadArray { raw, prior, project, target, weight, grad_output, loss, grad, grad_target, iou, boxes };
constexpr const char* kHeadArrayNames[] = {"raw",  "prior", "project",    "target", "weight", "gradOutput",
                                           "loss", "grad",  "gradTarget", "iou",    "boxes"};
constexpr int kHeadArrays = int(HeadArray::boxes) + 1;

// Sets the arrays of a job of `rows` rows. get(array, numbers) returns the data of an array, which has so many numbers,
// or null if it is not given.
template <class T, class Get>
void set_head_arrays(HeadJob<T>& job, int64_t rows, Get get) {
  const size_t n = size_t(rows), columns = size_t(raw_columns(job.coder));
  job.loss.boxes = rows;
  job.raw = get(HeadArray::raw, n * columns);
  job.prior = get(HeadArray::prior, size_t(job.priors) * job.coder.prior_columns);
  job.project = get(HeadArray::project, size_t(job.coder.bins));
  job.loss.target = get(HeadArray::target, 4 * n);
  job.loss.weight = get(HeadArray::weight, n);
  job.loss.grad_output = get(HeadArray::grad_output, n);
  job.loss.loss = get(HeadArray::loss, n);
  job.grad = get(HeadArray::grad, n * columns);
  job.loss.grad_target = get(HeadArray::grad_target, 4 * n);
  job.loss.iou = get(HeadArray::iou, n);
  job.boxes = get(HeadArray::boxes, 4 * n);
}

// Whether every prior is one for the coder: its numbers are finite, and its sizes and strides above 0. The loops are
// such that compilers use vectors.
template <class T>
bool priors_fit(const HeadJob<T>& job) {
  const int columns = job.coder.prior_columns;
  const int64_t numbers = job.priors * columns;
  bool fit = true;
  for (int64_t i = 0; i < numbers; ++i) fit &= absolute(job.prior[i]) <= Ieee<T>::kLargest;
  if (job.coder.kind == Coder::detr) return fit;
  for (int64_t i = 0; i < numbers; i += columns) {
    const T* const prior = job.prior + i;
    if (job.coder.kind == Coder::deltas) {
      fit &= (prior[0] < prior[2]) & (prior[1] < prior[3]);
    } else {
      fit &= prior[2] > T(0);
      if (columns == 5) fit &= (prior[3] > T(0)) & (prior[4] > T(0));
    }
  }
  return fit;
}

}  // namespace scaloss
