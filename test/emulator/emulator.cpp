// getcontext() returns twice in the compiler's eyes only.
#pragma GCC diagnostic ignored "-Wclobbered"

#include "emulator.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace emulator {
namespace {

constexpr size_t kStack = 64 << 10;
constexpr int kWarp = 32;

enum class State { ready, at_barrier, at_shuffle, done };

struct Block;

struct Fiber {
  ucontext_t context;
  State state = State::ready;
  Block* block;
  unsigned thread;
  double shuffled;  // what the fiber gives to a shuffle
  unsigned mask;    // who takes part in it
};

struct Block {
  unsigned index;
  std::vector<Fiber*> fibers;
  std::map<const void*, std::vector<char>> shared;
  size_t waiting = 0;  // at the barrier
  size_t done = 0;
};

struct Launch {
  unsigned grid;
  const std::function<void()>* thread;
  std::vector<std::unique_ptr<Block>> blocks;
  std::vector<std::unique_ptr<Fiber>> fibers;
  ucontext_t scheduler;
  Fiber* running = nullptr;
  const char* failure = nullptr;
};
Launch* current = nullptr;

// Stacks are kept: thousands of fibers a launch would otherwise be thousands of mappings.
char* stack_of(size_t fiber) {
  static std::vector<char*> stacks;
  while (stacks.size() <= fiber) {
    void* memory = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    stacks.push_back(static_cast<char*>(memory));
  }
  return stacks[fiber];
}

void to_scheduler() {
  swapcontext(&current->running->context, &current->scheduler);
}

void wait_in(State state) {
  current->running->state = state;
  to_scheduler();
}

void run_fiber() {
  (*current->thread)();
  Block& block = *current->running->block;
  block.done++;
  if (block.waiting > 0) fail("a thread ended while others of its block wait at a barrier");
  wait_in(State::done);
}

// The order in which fibers are asked whether they can run, from EMULATOR_SCHEDULE: forward, reverse, or a seed.
std::vector<Fiber*> scheduled(const Launch& launch) {
  std::vector<Fiber*> order;
  for (const auto& fiber : launch.fibers) order.push_back(fiber.get());
  const char* schedule = getenv("EMULATOR_SCHEDULE");
  const std::string name = schedule ? schedule : "forward";
  if (name == "reverse") return {order.rbegin(), order.rend()};
  if (name != "forward") std::shuffle(order.begin(), order.end(), std::mt19937(unsigned(std::stoul(name))));
  return order;
}

void start(Launch& launch, unsigned blocks, unsigned threads) {
  launch.grid = blocks;
  for (unsigned b = 0; b < blocks; ++b) {
    launch.blocks.push_back(std::make_unique<Block>());
    Block& block = *launch.blocks.back();
    block.index = b;
    for (unsigned t = 0; t < threads; ++t) {
      launch.fibers.push_back(std::make_unique<Fiber>());
      Fiber& fiber = *launch.fibers.back();
      fiber.block = &block;
      fiber.thread = t;
      block.fibers.push_back(&fiber);
      getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = stack_of(launch.fibers.size() - 1);
      fiber.context.uc_stack.ss_size = kStack;
      makecontext(&fiber.context, run_fiber, 0);
    }
  }
}

}  // namespace

Index thread_index() {
  return {current->running->thread};
}
Index block_index() {
  return {current->running->block->index};
}
Index grid_size() {
  return {current->grid};
}

void fail(const char* why) {
  current->failure = why;
  for (;;) to_scheduler();  // never resumed
}

void yield() {
  wait_in(State::ready);
}

void barrier() {
  Block& block = *current->running->block;
  if (block.done > 0) fail("a barrier after another thread of the block has ended");
  if (++block.waiting < block.fibers.size()) return wait_in(State::at_barrier);
  block.waiting = 0;
  for (Fiber* fiber : block.fibers) fiber->state = State::ready;
  yield();  // the last one to come does not always go first
}

double shuffle_xor(unsigned mask, double value, int offset) {
  Fiber& self = *current->running;
  const unsigned lane = self.thread % kWarp;
  Fiber** warp = &self.block->fibers[self.thread - lane];
  if (!(mask >> lane & 1)) fail("a shuffle whose mask leaves out the lane that calls it");
  if (!(mask >> (lane ^ offset) & 1)) fail("a shuffle from a lane that the mask leaves out");
  self.shuffled = value;
  self.mask = mask;
  // Twice: all have given their value before any takes one, and all have taken one before any gives the next.
  double taken = 0;
  for (int phase = 0; phase < 2; ++phase) {
    self.state = State::at_shuffle;
    bool complete = true;
    for (unsigned k = 0; k < kWarp; ++k) {
      if (mask >> k & 1) complete = complete && warp[k]->state == State::at_shuffle && warp[k]->mask == mask;
    }
    if (complete) {
      for (unsigned k = 0; k < kWarp; ++k) {
        if (mask >> k & 1) warp[k]->state = State::ready;
      }
    }
    to_scheduler();
    if (phase == 0) taken = warp[lane ^ offset]->shuffled;
  }
  return taken;
}

void* shared_memory(const void* line, size_t bytes) {
  std::vector<char>& memory = current->running->block->shared[line];
  if (memory.empty()) memory.assign(bytes, '\xff');
  return memory.data();
}

const char* run_grid(unsigned grid, unsigned block, const std::function<void()>& thread) {
  Launch launch;
  launch.thread = &thread;
  start(launch, grid, block);
  current = &launch;
  const std::vector<Fiber*> order = scheduled(launch);
  size_t done = 0;
  while (done < order.size() && !launch.failure) {
    bool progress = false;
    for (Fiber* fiber : order) {
      if (fiber->state != State::ready) continue;
      progress = true;
      launch.running = fiber;
      swapcontext(&launch.scheduler, &fiber->context);
      if (launch.failure) break;
      if (fiber->state == State::done) ++done;
    }
    if (!progress) launch.failure = "a deadlock: every thread waits";
  }
  current = nullptr;
  return launch.failure;
}

}  // namespace emulator
