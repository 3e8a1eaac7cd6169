// The numbers of a call. They come in one Float64Array, which costs one Node-API call however many numbers there are.
// This file converts them to the structs of core.
#pragma once

#include "../core/job.h"
#include "../core/pairwise.h"
#include "node_api.h"
#include "run.h"

namespace scaloss {

// src/native/block.ts finds the positions by these names. The addon writes the last two.
#define SCALOSS_FIELDS(ROW)                                       \
  ROW(alpha) /* this to constant: LossParams */                   \
  ROW(epsilon)                                                    \
  ROW(logFloor)                                                   \
  ROW(power)                                                      \
  ROW(inner)                                                      \
  ROW(focal)                                                      \
  ROW(beta)                                                       \
  ROW(imageScale)                                                 \
  ROW(constant)                                                   \
  ROW(mode)        /* position in kModeNames */                   \
  ROW(detachAlpha) /* 0 or 1 */                                   \
  ROW(loss)        /* position in SCALOSS_LOSSES */               \
  ROW(format)      /* position in kFormatNames */                 \
  ROW(device)      /* index of the CUDA device, -1 for the CPU */ \
  ROW(threads)     /* of the CPU, at most */                      \
  ROW(similarity)  /* 0 or 1; pairwise */                         \
  ROW(rows)        /* of a run of a plan */                       \
  ROW(lossScale)   /* this and the rest: boxLoss */               \
  ROW(gradScale)                                                  \
  ROW(divisor)                                                    \
  ROW(arrays)        /* bit k: array k is given */                \
  ROW(ignoreInvalid) /* 0 or 1 */                                 \
  ROW(ignoreAll)     /* 0 or 1 */                                 \
  ROW(resultLoss)                                                 \
  ROW(resultInvalid)

enum class Field {
#define SCALOSS_FIELD(name) name,
  SCALOSS_FIELDS(SCALOSS_FIELD)
#undef SCALOSS_FIELD
};
#define SCALOSS_FIELD(name) #name,
constexpr const char* kFieldNames[] = {SCALOSS_FIELDS(SCALOSS_FIELD)};
#undef SCALOSS_FIELD
constexpr int kFields = int(sizeof kFieldNames / sizeof *kFieldNames);

class Block {
 public:
  // Argument i must be a block.
  Block(const Arguments& arguments, int i) : numbers_(arguments.numbers<double>(i, kFields)) {}

  double operator[](Field field) const { return numbers_[int(field)]; }
  const double* data() const { return numbers_; }

  // The number of axes of the loss.
  int axes() const { return axes_of(loss()); }
  Place place() const;

  // A call of boxLoss without its arrays.
  template <class S>
  BoxLossJob<S> box_loss_job() const;
  // Sets the values that may differ between runs of a plan.
  template <class S>
  void set_scales(BoxLossJob<S>& job) const;

  // Sets the arrays of a job whose pred has `length` numbers, a multiple of 2 axes. get(array, numbers) returns the
  // data of an array that must have this many numbers.
  template <class S, class Get>
  void set_arrays(BoxLossJob<S>& job, size_t length, Get get) const {
    const size_t n = length / (2 * axes());
    const auto given = unsigned((*this)[Field::arrays]) | 3;  // pred and target are always
    job.boxes = int64_t(n);
    for (int k = 0; k < kArrays; ++k) {
      if (!(given >> k & 1)) continue;
      S* const data = get(k, has_boxes(k) ? length : n);
      if (k < kInputs) {
        job.*JobArrays<S>::inputs[k] = data;
      } else {
        job.*JobArrays<S>::results[k - kInputs] = data;
      }
    }
  }

  // A call of pairwise without its arrays.
  template <class T>
  PairwiseJob<T> pairwise_job() const;

  void set_results(const BoxLossSummary& summary) const {
    numbers_[int(Field::resultLoss)] = summary.loss;
    numbers_[int(Field::resultInvalid)] = double(summary.invalid);
  }

 private:
  // A field that holds a whole number from 0 to below `count`.
  int index(Field field, int count) const;
  int loss() const { return index(Field::loss, kLosses); }
  Format format() const;
  template <class T>
  LossParams<T> loss_params() const;

  double* numbers_;
};

}  // namespace scaloss
