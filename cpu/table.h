// The functions of one SIMD level in their tables. The source file of each level includes this once and is compiled
// with the flags of that level. Everything here has internal linkage, so that the code of one level cannot be linked in
// place of another's.
#pragma once

#include "heads.h"
#include "pairwise_loop.h"
#include "tiles.h"

namespace scaloss {
namespace {

template <class Loss, int D, class N, class T>
constexpr PacksByPass<T> packs_by_pass() {
  using Code = typename LossCode<Loss, D, N>::type;
  return {run_packs<Code, D, Pass::forward, N, T>, run_packs<Code, D, Pass::fused, N, T>};
}

template <class N, class T>
struct PacksOfLoss {
  template <class Listed>
  constexpr PacksByPass<T> operator()(Listed) const {
    return packs_by_pass<typename Listed::Loss, Listed::kAxes, N, T>();
  }
};

template <class N, class T>
constexpr LevelTable<T> make_table() {
  return {{run_tile<2, N, T>, run_tile<3, N, T>},
          table_by_loss(PacksOfLoss<N, T>()),
          {packs_by_pass<AnyLoss, 2, N, T>(), packs_by_pass<AnyLoss, 3, N, T>()},
          {run_pairwise<2, N, T>, run_pairwise<3, N, T>},
          run_head_tile<N, T>};
}

}  // namespace
}  // namespace scaloss
