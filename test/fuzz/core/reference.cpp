#include "reference.h"

#include "../../../core/dispatch.h"
#include "dual.h"

namespace reference {

namespace {

using namespace scaloss;
using Params = LossParams<double>;

struct Interval {
  Dual first, second;
};
Dual side(const Interval& box) {
  return box.second - box.first;
}

// A pair along one axis.
struct Extent {
  Interval pred, target;
  Dual overlap() const { return min(pred.second, target.second) - max(pred.first, target.first); }    // wmin
  Dual enclosing() const { return max(pred.second, target.second) - min(pred.first, target.first); }  // wmax
  Dual offset() const { return (first_distance() + second_distance()) * Dual(0.5); }                  // between centres
  Dual growth() const { return side(pred) - side(target); }                                           // w - W
  Dual first_distance() const { return pred.first - target.first; }
  Dual second_distance() const { return pred.second - target.second; }
};
using Pair = std::vector<Extent>;

// Sum of the squares of a length of each axis.
template <class Length>
Dual squares(const Pair& pair, Length length) {
  Dual sum;
  for (const Extent& axis : pair) sum = sum + square(length(axis));
  return sum;
}
Dual diagonal_squared(const Pair& pair) {
  return squares(pair, [](const Extent& axis) { return axis.enclosing(); });
}
Dual centres_squared(const Pair& pair) {
  return squares(pair, [](const Extent& axis) { return axis.offset(); });
}
Dual first_squared(const Pair& pair) {
  return squares(pair, [](const Extent& axis) { return axis.first_distance(); });
}
Dual second_squared(const Pair& pair) {
  return squares(pair, [](const Extent& axis) { return axis.second_distance(); });
}

Dual side_overlap(const Pair& pair) {
  Dual sum;
  for (const Extent& axis : pair) sum = sum + (Dual(1) - divide(axis.overlap(), axis.enclosing(), 1));
  return sum;
}
Dual corner_distance(const Pair& pair) {
  return divide(square_root(first_squared(pair)) + square_root(second_squared(pair)),
                square_root(diagonal_squared(pair)));
}

// Products of a length of each axis.
template <class Length>
Dual product(const Pair& pair, Length length) {
  Dual result(1);
  for (const Extent& axis : pair) result = result * length(axis);
  return result;
}
Dual intersection(const Pair& pair) {
  return product(pair, [](const Extent& axis) { return positive_part(axis.overlap()); });
}
Dual union_of(const Pair& pair) {
  const Dual pred = product(pair, [](const Extent& axis) { return side(axis.pred); });
  return pred + product(pair, [](const Extent& axis) { return side(axis.target); }) - intersection(pair);
}
Dual iou(const Pair& pair) {
  return divide(intersection(pair), union_of(pair));
}

// Both boxes scaled about their own centres.
Pair inner(Pair pair, Quad ratio) {
  for (Extent& axis : pair) {
    for (Interval* box : {&axis.pred, &axis.target}) {
      const Dual margin = side(*box) * Dual((1 - ratio) / 2);
      *box = {box->first + margin, box->second - margin};
    }
  }
  return pair;
}

// What the options make of the term 1 - IoU.
Dual iou_term(const Pair& pair, const Params& params) {
  const Dual value = params.inner == 1 ? iou(pair) : iou(inner(pair, params.inner));
  switch (params.mode) {
    case Mode::square:
      return Dual(1) - square(value);
    case Mode::log: {
      const Quad floor = params.log_floor;
      return value.value > floor ? chain(-logq(value.value), -1 / value.value, value) : Dual(-logq(floor));
    }
    case Mode::linear:
      break;
  }
  return Dual(1) - (params.power == 1 ? value : power(value, params.power));
}

Dual angle(const Pair& pair, Interval Extent::* box) {
  const Dual w = side(pair[0].*box), h = side(pair[1].*box);
  const Quad squared = w.value * w.value + h.value * h.value;
  if (squared == 0) return 0;
  return chain(atan2q(w.value, h.value), h.value / squared, w, -w.value / squared, h);
}

Dual aspect_term(const Pair& pair, const Params& params) {
  const Quad pi = 4 * atan2q(1, 1);
  const Dual v = square(angle(pair, &Extent::target) - angle(pair, &Extent::pred)) * Dual(4 / (pi * pi));
  Dual a = divide(v, (Dual(1) - iou(pair)) + v);
  if (params.detach_alpha) a = a.value;
  return a * v;
}

Dual siou_distance(const Pair& pair) {
  const Dual squared = centres_squared(pair);
  const Dual gamma = Dual(2) - divide(Dual(2) * absolute(pair[0].offset() * pair[1].offset()), squared);
  Dual cost;
  for (const Extent& axis : pair) cost = cost + one_minus_exp(gamma * square(divide(axis.offset(), axis.enclosing())));
  return cost * Dual(0.5);
}
Dual siou_shape(const Pair& pair) {
  Dual cost;
  for (const Extent& axis : pair) {
    const Dual longer = max(side(axis.pred), side(axis.target));
    cost = cost + square(square(one_minus_exp(divide(absolute(axis.growth()), longer))));
  }
  return cost * Dual(0.5);
}

// What a loss of the family adds to the term of IoU.
std::vector<Dual> further_terms(const Pair& pair, const Params& params) {
  const auto by_diagonal = [&] { return divide(centres_squared(pair), diagonal_squared(pair)); };
  switch (params.loss) {
    case kLoss_giou: {
      const Dual enclosing = product(pair, [](const Extent& axis) { return axis.enclosing(); });
      return {divide(enclosing - union_of(pair), enclosing)};
    }
    case kLoss_diou:
      return {by_diagonal()};
    case kLoss_ciou:
      return {by_diagonal(), aspect_term(pair, params)};
    case kLoss_iou_cd:
      return {Dual(params.alpha) * corner_distance(pair)};
    case kLoss_eiou: {
      Dual sides;
      for (const Extent& axis : pair) sides = sides + square(divide(axis.growth(), axis.enclosing()));
      return {by_diagonal(), sides};
    }
    case kLoss_siou:
      return {siou_distance(pair), siou_shape(pair)};
    case kLoss_mpdiou:
      return {(first_squared(pair) + second_squared(pair)) * square(Dual(params.image_scale))};
  }
  return {};
}

Dual of_family(const Pair& pair, const Params& params) {
  Dual sum = iou_term(pair, params);
  for (const Dual& term : further_terms(pair, params)) {
    sum = sum + (params.power == 1 ? term : power(term, params.power));
  }
  return params.focal == 0 ? sum : sum * Dual(power(iou(pair), params.focal).value);
}

Dual smooth_l1(const Pair& pair, Quad beta) {
  Dual sum;
  for (const Extent& axis : pair) {
    for (const Dual& difference : {axis.first_distance(), axis.second_distance()}) {
      const Dual d = absolute(difference);
      sum = sum + (d.value < beta ? square(d) * Dual(0.5 / beta) : d - Dual(beta / 2));
    }
  }
  return sum;
}

Dual wasserstein(const Pair& pair) {
  Dual sides;
  for (const Extent& axis : pair) sides = sides + square(axis.growth());
  return square_root(centres_squared(pair) + sides * Dual(0.25));
}

Dual loss_of(const Pair& pair, const Params& params) {
  switch (params.loss) {
    case kLoss_so:
    case kLoss_so3:
      return side_overlap(pair);
    case kLoss_cd:
    case kLoss_cd3:
      return corner_distance(pair);
    case kLoss_sca:
    case kLoss_sca3:
      return side_overlap(pair) + Dual(params.alpha) * corner_distance(pair);
    case kLoss_center:
      return divide(square_root(centres_squared(pair)), square_root(diagonal_squared(pair)));
    case kLoss_center2:
      return divide(centres_squared(pair), diagonal_squared(pair));
    case kLoss_smooth_l1:
      return smooth_l1(pair, params.beta);
    case kLoss_l1:
      return smooth_l1(pair, 0);
    case kLoss_nwd:
      return one_minus_exp(divide(wasserstein(pair), Dual(params.constant)));
  }
  return of_family(pair, params);
}

}  // namespace

Result evaluate(const Params& params, int axes, const double* pred, const double* target) {
  int coordinate = 0;
  const auto variable = [&](double value) {
    Dual variable(value);
    variable.d[coordinate++] = 1;
    return variable;
  };
  Pair pair(axes);
  for (int k = 0; k < axes; ++k) pair[k].pred.first = variable(pred[k]);
  for (int k = 0; k < axes; ++k) pair[k].pred.second = variable(pred[axes + k]);
  for (int k = 0; k < axes; ++k) pair[k].target.first = variable(target[k]);
  for (int k = 0; k < axes; ++k) pair[k].target.second = variable(target[axes + k]);
  const Dual loss = loss_of(pair, params);
  return {loss.value, iou(pair).value, {loss.d.begin(), loss.d.begin() + coordinate}};
}

}  // namespace reference
