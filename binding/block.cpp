#include "block.h"

namespace scaloss {

constexpr int kMostThreads = 1 << 16;

int Block::index(Field field, int count) const {
  const double value = (*this)[field];
  if (!(value >= 0 && value < count)) throw ArgumentError{std::string("no such ") + kFieldNames[int(field)]};
  return int(value);
}

Format Block::format() const {
  const auto format = Format(index(Field::format, kFormats));
  if (axes() == 3 && format == Format::yxyx) throw ArgumentError{"yxyx has two axes"};
  return format;
}

Place Block::place() const {
  if ((*this)[Field::device] == -1) return {-1, index(Field::threads, kMostThreads)};
  return {index(Field::device, int(probe_cuda().devices.size())), 1};
}

template <class T>
LossParams<T> Block::loss_params() const {
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

template <class S>
BoxLossJob<S> Block::box_loss_job() const {
  BoxLossJob<S> job = {};
  job.params = loss_params<typename ArithmeticOf<S>::type>();
  job.format = format();
  job.ignore_invalid = (*this)[Field::ignoreInvalid] != 0;
  set_scales(job);
  return job;
}

template <class S>
void Block::set_scales(BoxLossJob<S>& job) const {
  job.loss_scale = typename ArithmeticOf<S>::type((*this)[Field::lossScale]);
  job.sum_scale = (*this)[Field::lossScale];
  job.divisor = (*this)[Field::divisor];
  job.grad_scale = typename ArithmeticOf<S>::type((*this)[Field::gradScale]);
  job.ignore_all = (*this)[Field::ignoreAll] != 0;
}

#define SCALOSS_INSTANTIATE(S)                        \
  template BoxLossJob<S> Block::box_loss_job() const; \
  template void Block::set_scales(BoxLossJob<S>&) const;
SCALOSS_INSTANTIATE(float)
SCALOSS_INSTANTIATE(double)
SCALOSS_INSTANTIATE(Float16)
SCALOSS_INSTANTIATE(BFloat16)
#undef SCALOSS_INSTANTIATE

template <class T>
PairwiseJob<T> Block::pairwise_job() const {
  PairwiseJob<T> job = {};
  job.params = loss_params<T>();
  job.format = format();
  job.value = pair_value_of(job.params, (*this)[Field::similarity] != 0);
  return job;
}
template PairwiseJob<float> Block::pairwise_job() const;
template PairwiseJob<double> Block::pairwise_job() const;

}  // namespace scaloss
