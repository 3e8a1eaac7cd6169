// Maps a loss that is chosen at run time to its type, and the types to tables of the code that is compiled for them.
//
// Problem
//
// A call names its loss by a number (LossParams::loss), while the code of a loss is a type: ScaLoss, CiouLoss. So each
// place that meets a loss at run time needs a switch with a case for every loss, or a table with a row for every loss.
// Written by hand, these lists go out of step as soon as a loss is added. Written as macros, they are hard to read, and
// a debugger cannot step into them.
//
// Solution
//
// SCALOSS_LOSSES (losses.h) is the only list, and this file is the only one that expands it. There are two ways to use
// it. Both call a function object with a ListedLoss, an empty value whose type tells the loss and its axes.
//
//   dispatch_loss(number, function)   calls it for the loss with this number: a switch
//   table_by_loss(function)           calls it for every loss at compile time: a table of the results
//
// Take the switch where the code of many losses belongs in one function, as in a kernel for any loss. Take the table
// where each loss has a separate function, and the caller wants its address.
//
// Usage
//
//   struct EvaluateFlat {
//     const Axes<float, 2>& axes;
//     const LossParams<float>& params;
//     template <class Listed>
//     static constexpr bool kServes = Listed::kAxes == 2;
//     template <class Listed>
//     SCALOSS_FN PairTerms<float, 2> operator()(Listed) const { return Listed::Loss::evaluate(axes, params); }
//     SCALOSS_FN PairTerms<float, 2> otherwise() const { return constant_terms<float, 2>(0); }
//   };
//   const PairTerms<float, 2> terms = dispatch_loss(params.loss, EvaluateFlat{axes, params});
//
// kServes says for which losses the switch has a case; all other numbers share the call of otherwise(). A function for
// table_by_loss() has neither: its operator() is constexpr and has a result for every loss. The function of a switch is
// a struct rather than a lambda, because a lambda cannot promise to be inlined (function.h).
#pragma once

#include <utility>

#include "losses.h"

namespace scaloss {

enum LossIndex {
#define SCALOSS_ROW(name, Type, axes) kLoss_##name,
  SCALOSS_LOSSES(SCALOSS_ROW)
#undef SCALOSS_ROW
      kLosses
};

// The name of each loss in JavaScript.
constexpr const char* kLossNames[] = {
#define SCALOSS_ROW(name, Type, axes) #name,
    SCALOSS_LOSSES(SCALOSS_ROW)
#undef SCALOSS_ROW
};

// The entry of one loss in the list.
template <class Type, int axes>
struct LossRow {
  using Loss = Type;
  static constexpr int kAxes = axes;
};
template <int number>
struct ListedLoss;
#define SCALOSS_ROW(name, Type, axes) \
  template <>                         \
  struct ListedLoss<kLoss_##name> : LossRow<Type, axes> {};
SCALOSS_LOSSES(SCALOSS_ROW)
#undef SCALOSS_ROW

template <class Function>
SCALOSS_FN auto dispatch_loss(int number, Function function) {
  switch (number) {
#define SCALOSS_ROW(name, Type, axes)                                                                                \
  case kLoss_##name:                                                                                                 \
    if constexpr (Function::template kServes<ListedLoss<kLoss_##name>>) return function(ListedLoss<kLoss_##name>()); \
    break;
    SCALOSS_LOSSES(SCALOSS_ROW)
#undef SCALOSS_ROW
  }
  return function.otherwise();
}

// One value for each loss, by its number.
template <class T>
struct LossTable {
  T of_loss[kLosses];
  SCALOSS_FN constexpr const T& operator[](int number) const { return of_loss[number]; }
};

template <class Function, int... number>
constexpr auto table_by_loss(Function function, std::integer_sequence<int, number...>) {
  using T = decltype(function(ListedLoss<0>()));
  return LossTable<T>{{function(ListedLoss<number>())...}};
}
template <class Function>
constexpr auto table_by_loss(Function function) {
  return table_by_loss(function, std::make_integer_sequence<int, kLosses>());
}

struct AxesOfLoss {
  template <class Listed>
  constexpr int operator()(Listed) const {
    return Listed::kAxes;
  }
};
constexpr LossTable<int> kAxesOfLoss = table_by_loss(AxesOfLoss());

// The number of axes of the loss with this number.
inline int axes_of(int loss) {
  return kAxesOfLoss[loss];
}

struct LossIsRatio {
  template <class Listed>
  constexpr bool operator()(Listed) const {
    return Listed::Loss::kIsRatio;
  }
};
constexpr LossTable<bool> kLossIsRatio = table_by_loss(LossIsRatio());

// Whether pairs near 0 may be computed in a larger unit. They may not next to an epsilon, nor for losses that are not
// ratios.
inline bool enlarges_small(int loss, double epsilon) {
  return epsilon == 0 && kLossIsRatio[loss];
}

struct LossIsOrdered {
  template <class Listed>
  constexpr bool operator()(Listed) const {
    return Listed::Loss::kOrdered;
  }
};
constexpr LossTable<bool> kLossIsOrdered = table_by_loss(LossIsOrdered());

// Sets the members that follow from the others.
template <class T>
void derive(LossParams<T>& params) {
  params.modified = params.mode != Mode::linear || params.power != 1 || params.inner != 1 || params.focal != 0 ||
                    !params.detach_alpha;
  params.enlarge_small = enlarges_small(params.loss, params.epsilon);
  params.any_order = !kLossIsOrdered[params.loss];
}

}  // namespace scaloss
