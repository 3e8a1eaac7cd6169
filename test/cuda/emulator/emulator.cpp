#include "emulator.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fiber.h"

namespace emulator {
namespace {

constexpr int kWarp = 32;
constexpr size_t kSharedMemory = 48 << 10;  // of a block, as on a GPU
constexpr int kSharedLines = 16;

enum class State { ready, at_barrier, at_shuffle, done };

struct Block;

struct Thread {
  Block* block;
  unsigned index;
  State state;
  double shuffled;  // what the thread gives to a shuffle
  unsigned mask;    // who takes part in it
};

struct SharedLine {
  const void* line;
  char* memory;
};

struct Block {
  unsigned index;
  Thread* threads;
  unsigned waiting;  // at the barrier
  unsigned done;
  char barriers[2];  // passed by turns, for order
  int passed;
  // All there before a thread runs, so that no thread is seen to make it.
  std::unique_ptr<char[]> shared;
  size_t shared_used;
  SharedLine lines[kSharedLines];
};

struct Grid {
  unsigned blocks, threads;  // threads of a block
  const std::function<void()>* thread;
  std::vector<Block> block;
  std::vector<Thread> all;
  Thread* running;
  const char* failure;
  char order;  // of the launch, before and after it
};
Grid* current = nullptr;

Thread& self() {
  return *current->running;
}

void wait_in(State state) {
  self().state = state;
  suspend_fiber();
}

void run_thread() {
  acquire_order(&current->order);
  (*current->thread)();
  Block& block = *self().block;
  block.done++;
  if (block.waiting > 0) fail("a thread ended while others of its block wait at a barrier");
  release_order(&current->order);
  wait_in(State::done);
}

// The order in which threads are asked whether they can run, from EMULATOR_SCHEDULE: forward, reverse, or a seed.
std::vector<unsigned> scheduled(size_t count) {
  std::vector<unsigned> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = unsigned(i);
  const char* schedule = getenv("EMULATOR_SCHEDULE");
  const std::string name = schedule ? schedule : "forward";
  if (name == "reverse") {
    std::reverse(order.begin(), order.end());
  } else if (name != "forward") {
    std::shuffle(order.begin(), order.end(), std::mt19937(unsigned(std::stoul(name))));
  }
  return order;
}

void lay_out(Grid& grid) {
  grid.block.resize(grid.blocks);
  grid.all.resize(size_t(grid.blocks) * grid.threads);
  for (unsigned b = 0; b < grid.blocks; ++b) {
    Block& block = grid.block[b];
    block.index = b;
    block.threads = &grid.all[size_t(b) * grid.threads];
    block.shared.reset(new char[kSharedMemory]);
    std::fill_n(block.shared.get(), kSharedMemory, '\xff');
    for (unsigned t = 0; t < grid.threads; ++t) block.threads[t] = {&block, t, State::ready, 0, 0};
  }
}

}  // namespace

Index thread_index() {
  return {self().index};
}
Index block_index() {
  return {self().block->index};
}
Index grid_size() {
  return {current->blocks};
}

void fail(const char* why) {
  current->failure = why;
  for (;;) suspend_fiber();  // never resumed
}

void yield() {
  wait_in(State::ready);
}

void barrier() {
  Block& block = *self().block;
  if (block.done > 0) fail("a barrier after another thread of the block has ended");
  char* const order = &block.barriers[block.passed % 2];
  release_order(order);
  if (++block.waiting < current->threads) {
    wait_in(State::at_barrier);
  } else {
    block.waiting = 0;
    block.passed++;
    for (unsigned t = 0; t < current->threads; ++t) block.threads[t].state = State::ready;
    yield();  // the last one to come does not always go first
  }
  acquire_order(order);
}

double shuffle_xor(unsigned mask, double value, int offset) {
  Thread& thread = self();
  const unsigned lane = thread.index % kWarp;
  Thread* const warp = thread.block->threads + (thread.index - lane);
  if (!(mask >> lane & 1)) fail("a shuffle whose mask leaves out the lane that calls it");
  if (!(mask >> (lane ^ offset) & 1)) fail("a shuffle from a lane that the mask leaves out");
  thread.shuffled = value;
  thread.mask = mask;
  // Twice: all have given their value before any takes one, and all have taken one before any gives the next.
  double taken = 0;
  for (int phase = 0; phase < 2; ++phase) {
    thread.state = State::at_shuffle;
    bool complete = true;
    for (unsigned k = 0; k < kWarp; ++k) {
      if (mask >> k & 1) complete = complete && warp[k].state == State::at_shuffle && warp[k].mask == mask;
    }
    if (complete) {
      for (unsigned k = 0; k < kWarp; ++k) {
        if (mask >> k & 1) warp[k].state = State::ready;
      }
    }
    suspend_fiber();
    if (phase == 0) taken = warp[lane ^ offset].shuffled;
  }
  return taken;
}

void* shared_memory(const void* line, size_t bytes) {
  Block& block = *self().block;
  for (SharedLine& each : block.lines) {
    if (each.line == line) return each.memory;
    if (each.line != nullptr) continue;
    if (block.shared_used + bytes > kSharedMemory) fail("more shared memory than a block has");
    each = {line, block.shared.get() + block.shared_used};
    block.shared_used += (bytes + 15) / 16 * 16;
    return each.memory;
  }
  fail("more SCALOSS_SHARED lines than the emulator keeps");
}

const char* run_grid(unsigned blocks, unsigned threads, const std::function<void()>& thread) {
  Grid grid = {};
  grid.blocks = blocks;
  grid.threads = threads;
  grid.thread = &thread;
  lay_out(grid);
  current = &grid;
  prepare_fibers(unsigned(grid.all.size()), run_thread);
  release_order(&grid.order);
  const std::vector<unsigned> order = scheduled(grid.all.size());
  size_t done = 0;
  while (done < order.size() && !grid.failure) {
    bool progress = false;
    for (const unsigned index : order) {
      if (grid.all[index].state != State::ready) continue;
      progress = true;
      grid.running = &grid.all[index];
      resume_fiber(index);
      if (grid.failure) break;
      if (grid.running->state == State::done) ++done;
    }
    if (!progress) grid.failure = "a deadlock: every thread waits";
  }
  acquire_order(&grid.order);
  if (grid.failure) discard_fibers();
  current = nullptr;
  return grid.failure;
}

}  // namespace emulator
