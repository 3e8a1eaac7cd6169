// Launches of few rows: around the sizes of warps, blocks and tiles, on any grid, under any schedule, one after
// another.
#include <algorithm>
#include <utility>

#include "check_call.h"

namespace check {

namespace {

using namespace scaloss;

// For as long as it lives.
class Setting {
 public:
  Setting(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Setting() { unsetenv(name_); }

 private:
  const char* name_;
};

const int64_t kRows[] = {1, 31, 32, 255, 256, 257, 1023, 1024, 1025, 1055, 1279, 1280, 1281, 2047, 2048, 2049, 5000};

template <class T>
void expect_emulated_as_cpu(int loss, const Inputs<T>& in, const Demand& demand, const std::string& how,
                            const Workspace& workspace) {
  const Variant variant = plain_variant(loss);
  const int axes = axes_of(loss);
  Outputs<T> expected(demand, size_t(in.rows), axes), actual(demand, size_t(in.rows), axes);
  run_cpu("scalar", variant, demand, in, expected);
  run_emulated(variant, demand, in, actual, workspace);
  expect_same(variant.name + ", " + how, expected, actual, in, axes);
}

template <class T>
void check_call(int loss, int64_t rows, const Demand& demand, const std::string& how, const Workspace& workspace) {
  Random random(uint64_t(rows) * 64 + loss);
  expect_emulated_as_cpu(loss, RandomInputs<T>(size_t(rows), axes_of(loss), random), demand, how, workspace);
}

Demand forward() {
  Demand demand = everything();
  demand.grad = demand.grad_target = demand.weight = demand.grad_output = false;
  demand.sum_divisor = 7;
  return demand;
}

template <class T>
void check_rows(int loss) {
  for (const int64_t rows : kRows) {
    check_call<T>(loss, rows, everything(), "everything", Workspace(rows));
    check_call<T>(loss, rows, forward(), "forward", Workspace(rows));
  }
}

void check_grids() {
  for (const char* grid : {"1", "2", "3", "7"}) {
    const Setting of_grid("EMULATOR_GRID", grid);
    for (const char* schedule : {"forward", "reverse", "1", "2", "3"}) {
      const Setting of_schedule("EMULATOR_SCHEDULE", schedule);
      const std::string how = std::string("grid ") + grid + ", schedule " + schedule;
      for (const int64_t rows : {31, 1024, 1025, 5000}) {
        check_call<float>(kLoss_sca, rows, everything(), how, Workspace(rows));
      }
      check_call<double>(kLoss_giou, 2049, everything(), how, Workspace(2049));
      check_call<float>(kLoss_sca3, 2049, forward(), how, Workspace(2049));
    }
  }
}

// Large terms that cancel exactly, and small ones of which as much is rounded away as the order of adding has it. Other
// boxes mostly add up to NaN, or to one of them.
void check_order() {
  Demand demand = forward();
  demand.weight = true;
  for (const int64_t rows : {200, 1024, 5000, 40000}) {
    Random random{uint64_t(rows)};
    const RandomInputs<float> in(size_t(rows), 2, random);
    for (int64_t i = 0; i < rows; ++i) {
      const float pred[] = {0, 0, 1, 1}, target[] = {0, 0, 1, 2};
      for (int k = 0; k < 4; ++k) {
        in.pred[4 * i + k] = pred[k];
        in.target[4 * i + k] = target[k];
      }
      in.weight[i] = float(uniform(random, 0, 1));
    }
    for (int64_t i = 0; i < rows / 2; ++i) {
      if (random() % 2) continue;
      const float large = random() % 2 ? 0x1p40f : -0x1p40f;
      in.weight[i] = large;
      in.weight[rows - 1 - i] = -large;
    }
    expect_emulated_as_cpu(kLoss_sca, in, demand, "order", Workspace(rows));
  }
}

// More tiles than a block has lanes.
void check_many_tiles() {
  const int64_t rows = 300 * kTile + 17;
  const Setting grid("EMULATOR_GRID", "5");
  check_call<float>(kLoss_l1, rows, forward(), "300 tiles", Workspace(rows));
}

// Nothing is cleared between launches: ticket and invalid count must be 0 again after each.
void check_workspace() {
  const Workspace workspace(5000);
  for (const char* grid : {"1", "3", "7"}) {
    const Setting setting("EMULATOR_GRID", grid);
    for (const int64_t rows : {5000, 1, 1025, 5000, 2048}) {
      const std::string how = std::string("again, grid ") + grid;
      check_call<float>(kLoss_sca, rows, everything(), how, workspace);
      const ReductionWorkspace shared = workspace.get(rows, 1);
      expect(*shared.ticket == 0, how + ": the ticket is not 0 again");
      expect(*shared.invalid == 0, how + ": the invalid count is not 0 again");
      check_call<double>(kLoss_cd3, rows, forward(), how, workspace);
    }
  }
}

// A call whose rows are launched in parts, which add up to one sum.
void check_parts() {
  const int64_t rows = 5000, part = 2 * kTile;
  const Variant variant = plain_variant(kLoss_sca);
  const Demand demand = everything();
  Random random{rows};
  const RandomInputs<float> in(rows, 2, random);
  Outputs<float> expected(demand, rows, 2), actual(demand, rows, 2);
  run_cpu("scalar", variant, demand, in, expected);
  const Workspace workspace(rows);
  for (const char* grid : {"1", "3", "7"}) {
    const Setting setting("EMULATOR_GRID", grid);
    const BoxLossJob<float> whole = job_of(variant, demand, in, actual);
    const uint32_t blocks = uint32_t((rows + part - 1) / part) * uint32_t(atoi(grid));
    ReductionWorkspace shared = workspace.get(rows, blocks);
    for (int64_t first = 0; first < rows; first += part) {
      BoxLossJob<float> job = whole;
      job.boxes = std::min(part, rows - first);
      job.pred += 4 * first;
      job.target += 4 * first;
      job.weight += first;
      job.grad_output += first;
      job.loss += first;
      job.grad += 4 * first;
      job.grad_target += 4 * first;
      job.iou += first;
      shared.first_tile = first / kTile;
      expect(launch_box_loss(job, shared, 1, stream()) == cudaSuccess, "the launch fails");
    }
    wait_for_stream();
    actual.summary = workspace.take_summary();
    expect_same(std::string("parts, grid ") + grid, expected, actual, in, 2);
  }
}

template <class T>
void check_pairwise() {
  const std::pair<int64_t, int64_t> sizes[] = {{1, 1}, {31, 255}, {32, 256}, {33, 257}, {70, 513}};
  for (const int loss : {int(kLoss_sca), int(kLoss_ciou), int(kLoss_cd3)}) {
    const Variant variant = plain_variant(loss);
    const int axes = axes_of(loss);
    for (const auto& [rows, columns] : sizes) {
      Random random{uint64_t(rows)};
      const RandomInputs<T> a(size_t(rows), axes, random), b(size_t(columns), axes, random);
      const Array<T> expected(size_t(rows * columns)), actual(size_t(rows * columns));
      for (const PairValue value : {PairValue::loss, PairValue::similarity, PairValue::iou}) {
        PairwiseJob<T> job = {
            rows,         columns, a.pred.data(), b.pred.data(), expected.data(), params_as<T>(variant.params),
            Format::xyxy, value};
        set_level("scalar");
        cpu_pairwise(job, 1);
        job.out = actual.data();
        expect(launch_pairwise(job, 1, stream()) == cudaSuccess, "the launch fails");
        wait_for_stream();
        for (int64_t i = 0; i < rows * columns; ++i) {
          expect(same_bits(expected[i], actual[i]), variant.name + ", " + std::to_string(rows) + " x " +
                                                        std::to_string(columns) + ", pair " + std::to_string(i));
        }
      }
    }
  }
}

}  // namespace

void check_launches() {
  for (const int loss : {int(kLoss_sca), int(kLoss_giou), int(kLoss_sca3)}) {
    const std::string name = plain_variant(loss).name;
    run("rows: " + name + " float32", [=] { check_rows<float>(loss); });
    run("rows: " + name + " float64", [=] { check_rows<double>(loss); });
  }
  run("grids and schedules", check_grids);
  run("order of the sum", check_order);
  run("more tiles than lanes", check_many_tiles);
  run("workspace used again", check_workspace);
  run("rows in parts", check_parts);
  run("pairwise: float32", check_pairwise<float>);
  run("pairwise: float64", check_pairwise<double>);
}

}  // namespace check
