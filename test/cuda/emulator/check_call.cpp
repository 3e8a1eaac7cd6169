// The boxes and demands that the checks draw.
#include "check_call.h"

#include <cmath>
#include <utility>

namespace check {

cudaStream_t stream() {
  static const cudaStream_t stream = [] {
    cudaStream_t created;
    cudaStreamCreateWithFlags(&created, cudaStreamNonBlocking);
    return created;
  }();
  return stream;
}
void wait_for_stream() {
  const cudaError_t error = cudaStreamSynchronize(stream());
  expect(error == cudaSuccess, cudaGetErrorName(error));
}

Demand random_demand(Random& random, int axes) {
  const auto toss = [&] { return random() % 2 == 1; };
  Demand demand = everything();
  if (toss()) demand = {toss(), toss(), toss(), toss(), toss(), toss(), toss(), false, demand.format, 1, 1, 1};
  demand.ignore_all = chance(random, 0.03);
  demand.format = scaloss::Format(random() % (axes == 2 ? 4 : 3));
  demand.loss_scale = toss() ? 1 : -0.3;
  demand.grad_scale = toss() ? 1 : uniform(random, -1e-3, 1e-3);
  demand.sum_divisor = double(1 + random() % 5000);
  return demand;
}

namespace {

// Where the kernels take another way: powers of two of core/box.h and core/ordinary.h, and the range of the numbers.
template <class T>
struct Limits;
template <>
struct Limits<float> {
  static constexpr int at[] = {20, -20, -40, 125, -60}, least = -149, most = 127;
  using Bits = uint32_t;
};
template <>
struct Limits<double> {
  static constexpr int at[] = {160, -160, -320, 1021, -500}, least = -1074, most = 1023;
  using Bits = uint64_t;
};

enum class Kind { pixels, one_size, any_bits, few_numbers, at_limits, kinds };

// The edges of a pair along one axis.
template <class T>
struct Edges {
  T at[4];  // first and second of one box, then of the other
};

template <class T>
Edges<T> draw(Kind kind, double size, Random& random) {
  const double a = uniform(random, 0, 640), b = a + uniform(random, -40, 40);
  Edges<T> edges = {{T(a), T(a + uniform(random, 1, 200)), T(b), T(b + uniform(random, 1, 200))}};
  const auto fill = [&](auto number) {
    for (T& edge : edges.at) edge = number();
  };
  switch (kind) {
    case Kind::one_size:
      fill([&] { return T(size * uniform(random, -1, 1)); });
      break;
    case Kind::any_bits:
      fill([&] {
        const auto bits = typename Limits<T>::Bits(random());
        T number;
        memcpy(&number, &bits, sizeof number);
        return number;
      });
      break;
    case Kind::few_numbers:
      fill([&] { return T(size * double(int(random() % 7) - 3)); });
      break;
    case Kind::at_limits: {
      const double limit = std::ldexp(1.0, Limits<T>::at[random() % 5]) * (random() % 2 ? 1 : -1);
      const T exact = T(limit);
      const T near[] = {exact, std::nextafter(exact, T(0)), T(exact + exact * std::numeric_limits<T>::epsilon())};
      edges.at[random() % 4] = near[random() % 3];
      if (random() % 2) edges.at[random() % 4] = T(0);
      break;
    }
    default:
      break;
  }
  if (edges.at[0] > edges.at[1]) std::swap(edges.at[0], edges.at[1]);
  if (edges.at[2] > edges.at[3]) std::swap(edges.at[2], edges.at[3]);
  return edges;
}

// Of one kind for 64 rows at a time: a pack takes its quick way only if all of its rows may. Some of these blocks hold
// rows that are inverted or no numbers.
template <class T>
void fill_boxes(const Array<T>& pred, const Array<T>& target, int axes, Random& random) {
  constexpr size_t kBlock = 64;
  Kind kind = Kind::pixels;
  double size = 1, faults = 0;
  const size_t rows = pred.size() / size_t(2 * axes);
  for (size_t row = 0; row < rows; ++row) {
    if (row % kBlock == 0) {
      kind = Kind(random() % int(Kind::kinds));
      faults = chance(random, 0.25) ? 0.1 : 0;
      size = std::ldexp(1.0, int(uniform(random, Limits<T>::least, Limits<T>::most)));
    }
    const bool exchanged = random() % 2;
    T* const boxes[2] = {&pred[2 * axes * row], &target[2 * axes * row]};
    for (int k = 0; k < axes; ++k) {
      const Edges<T> edges = draw<T>(kind, size, random);
      for (int i = 0; i < 4; ++i) boxes[exchanged ^ (i / 2)][i % 2 * axes + k] = edges.at[i];
    }
    if (faults > 0 && chance(random, faults)) {
      const T bad[] = {T(NAN), T(INFINITY), -std::numeric_limits<T>::max(), T(0)};
      boxes[random() % 2][random() % (2 * axes)] = bad[random() % 4];
    }
  }
}

}  // namespace

template <class T>
RandomInputs<T>::RandomInputs(size_t n, int axes, Random& random) : Inputs<T>(n, axes) {
  fill_boxes(this->pred, this->target, axes, random);
  for (size_t i = 0; i < n; ++i) {
    this->weight[i] = chance(random, 0.1) ? T(0) : T(uniform(random, 0, 2));
    this->grad_output[i] = T(uniform(random, -1, 1));
  }
}
template struct RandomInputs<float>;
template struct RandomInputs<double>;

}  // namespace check
