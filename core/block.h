// The numbers of a call as they come from JavaScript, and the structs of core that they become.
//
// They come in one array of float64, because one array costs one call across the boundary, however many numbers it
// holds.
#pragma once

#include "dispatch.h"
#include "head.h"
#include "job.h"
#include "pairwise.h"

namespace scaloss {

// src/core/block.ts finds the positions by these names. The last two are written here.
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
  ROW(coder)         /* this to priors: headLoss */               \
  ROW(activation)                                                 \
  ROW(isYxhw) /* 0 or 1 */                                        \
  ROW(bins)                                                       \
  ROW(priorColumns)                                               \
  ROW(mean0) /* this and the next seven: arrays of CoderParams */ \
  ROW(mean1)                                                      \
  ROW(mean2)                                                      \
  ROW(mean3)                                                      \
  ROW(std0)                                                       \
  ROW(std1)                                                       \
  ROW(std2)                                                       \
  ROW(std3)                                                       \
  ROW(minLogSize)                                                 \
  ROW(maxLogSize)                                                 \
  ROW(scaleXY)                                                    \
  ROW(imageWidth)                                                 \
  ROW(imageHeight)                                                \
  ROW(eps)                                                        \
  ROW(targetClamp)                                                \
  ROW(dflLossScale)                                               \
  ROW(dflGradScale)                                               \
  ROW(priors)                                                     \
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

// Called with the name of a field whose number has no meaning. TypeScript never sends one. Each boundary has its own.
[[noreturn]] void fail_block(const char* field);

// Reads and writes the numbers of one block.
class Block {
 public:
  explicit Block(double* numbers) : numbers_(numbers) {}

  double operator[](Field field) const { return numbers_[int(field)]; }
  const double* data() const { return numbers_; }

  // A field that counts from 0 to below `count`.
  int index(Field field, int count) const {
    const double value = (*this)[field];
    if (!(value >= 0 && value < count)) fail_block(kFieldNames[int(field)]);
    return int(value);
  }

  int loss() const { return index(Field::loss, kLosses); }
  // The axes of the loss.
  int axes() const { return axes_of(loss()); }

  Format format() const {
    const auto format = Format(index(Field::format, kFormats));
    if (axes() == 3 && format == Format::yxyx) fail_block("format: yxyx has two axes");
    return format;
  }

  template <class T>
  LossParams<T> loss_params() const {
    const Block& block = *this;
    LossParams<T> params;
    params.alpha = T(block[Field::alpha]);
    params.epsilon = T(block[Field::epsilon]);
    params.log_floor = T(block[Field::logFloor]);
    params.power = T(block[Field::power]);
    params.inner = T(block[Field::inner]);
    params.focal = T(block[Field::focal]);
    params.beta = T(block[Field::beta]);
    params.image_scale = T(block[Field::imageScale]);
    params.constant = T(block[Field::constant]);
    params.mode = Mode(index(Field::mode, kModes));
    params.detach_alpha = block[Field::detachAlpha] != 0;
    params.loss = loss();
    derive(params);
    return params;
  }

  // A call of boxLoss without its arrays.
  template <class S>
  BoxLossJob<S> box_loss_job() const {
    BoxLossJob<S> job = {};
    job.params = loss_params<typename ArithmeticOf<S>::type>();
    job.format = format();
    job.ignore_invalid = (*this)[Field::ignoreInvalid] != 0;
    set_scales(job);
    return job;
  }

  // What a run of a plan may change.
  template <class S>
  void set_scales(BoxLossJob<S>& job) const {
    job.loss_scale = typename ArithmeticOf<S>::type((*this)[Field::lossScale]);
    job.sum_scale = (*this)[Field::lossScale];
    job.divisor = (*this)[Field::divisor];
    job.grad_scale = typename ArithmeticOf<S>::type((*this)[Field::gradScale]);
    job.ignore_all = (*this)[Field::ignoreAll] != 0;
  }

  // Sets the arrays of a job whose pred has `length` numbers, a multiple of 2 axes. get(array, numbers) finds the data
  // of an array that must have so many.
  template <class S, class Get>
  void set_arrays(BoxLossJob<S>& job, size_t length, Get get) const {
    const size_t n = length / (2 * axes());
    const auto given = unsigned((*this)[Field::arrays]) | 3;  // pred and target are always
    job.boxes = int64_t(n);
    for (int k = 0; k < kArrays; ++k) {
      if (!(given >> k & 1)) continue;
      S* const data = get(k, kHasBoxes[k] ? length : n);
      if (k < kInputs) {
        job.*JobArrays<S>::inputs[k] = data;
      } else {
        job.*JobArrays<S>::results[k - kInputs] = data;
      }
    }
  }

  template <class T>
  CoderParams<T> coder_params() const {
    const Block& block = *this;
    CoderParams<T> params = {};
    params.kind = Coder(index(Field::coder, kCoders));
    params.activation = Activation(index(Field::activation, kActivations));
    params.is_yxhw = block[Field::isYxhw] != 0;
    params.bins = index(Field::bins, kMostBins + 1);
    // Without bins a row would have no numbers.
    if (params.kind == Coder::dfl && params.bins == 0) fail_block(kFieldNames[int(Field::bins)]);
    params.prior_columns = index(Field::priorColumns, kMostPriorColumns + 1);
    for (int k = 0; k < 4; ++k) {
      params.means[k] = T(numbers_[int(Field::mean0) + k]);
      params.stds[k] = T(numbers_[int(Field::std0) + k]);
    }
    params.min_log_size = T(block[Field::minLogSize]);
    params.max_log_size = T(block[Field::maxLogSize]);
    params.scale_xy = T(block[Field::scaleXY]);
    params.image_width = T(block[Field::imageWidth]);
    params.image_height = T(block[Field::imageHeight]);
    params.eps = T(block[Field::eps]);
    params.target_clamp = T(block[Field::targetClamp]);
    return params;
  }

  // A call of headLoss without its arrays.
  template <class T>
  HeadJob<T> head_job() const {
    if (axes() != 2) fail_block("loss of a head: it has three axes");
    HeadJob<T> job = {};
    job.loss = box_loss_job<T>();
    job.coder = coder_params<T>();
    job.priors = index(Field::priors, 1 << 30);
    job.dfl_loss_scale = T((*this)[Field::dflLossScale]);
    job.dfl_sum_scale = (*this)[Field::dflLossScale];
    job.dfl_grad_scale = T((*this)[Field::dflGradScale]);
    return job;
  }

  // A call of pairwise without its arrays.
  template <class T>
  PairwiseJob<T> pairwise_job() const {
    PairwiseJob<T> job = {};
    job.params = loss_params<T>();
    job.format = format();
    job.value = pair_value_of(job.params, (*this)[Field::similarity] != 0);
    return job;
  }

  void set_results(const BoxLossSummary& summary) const {
    numbers_[int(Field::resultLoss)] = summary.loss;
    numbers_[int(Field::resultInvalid)] = double(summary.invalid);
  }

 private:
  double* numbers_;
};

}  // namespace scaloss
