#include "pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#  include <pthread.h>
#endif
#if defined(__linux__)
#  include <sched.h>
#endif

namespace scaloss {

namespace {

// The processor that this thread runs on, or -1 if that is not known.
int current_processor() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

// Keeps a thread away from one of the processors that it may use, unless it is the only one.
class Affinity {
 public:
#if defined(__linux__)
  Affinity() : known_(sched_getaffinity(0, sizeof allowed_, &allowed_) == 0) {}
  void avoid(int processor) {
    if (!known_ || processor < 0 || processor >= CPU_SETSIZE) return;
    cpu_set_t others = allowed_;
    CPU_CLR(processor, &others);
    if (CPU_COUNT(&others) > 0) sched_setaffinity(0, sizeof others, &others);
  }

 private:
  cpu_set_t allowed_;
  bool known_;
#else
  void avoid(int) {}
#endif
};

// Tells the processor that this thread waits in a loop.
void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}
constexpr int kSpins = 500;  // some ten microseconds

struct Loop {
  void (*body)(const void* context, int64_t part);
  const void* context;
  int64_t parts;
  std::atomic<int64_t> next{0};  // part that nobody has taken
  int wanted;                    // helpers that may still come
  std::atomic<int> helpers{0};   // at work

  void take_parts() {
    for (;;) {
      const int64_t part = next.fetch_add(1, std::memory_order_relaxed);
      if (part >= parts) return;
      body(context, part);
    }
  }
};

// These members, and those of Loop that are not atomic, are accessed only under the mutex.
struct Pool {
  std::mutex mutex;
  std::condition_variable work, done;
  std::deque<Loop*> loops;  // that want helpers
  int threads = 0;
  int caller_processor = -1;  // of the latest call

  void help() {
    Affinity affinity;
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      while (loops.empty()) {
        work.wait(lock);
        // Linux tends to wake a thread on the processor of the thread that wakes it, where it waits until that one is
        // done. So the next time it shall wake on another processor. This is checked even if the thread came too late
        // for any work.
        if (current_processor() == caller_processor) affinity.avoid(caller_processor);
      }
      Loop& loop = *loops.front();
      if (--loop.wanted == 0) loops.pop_front();
      loop.helpers.fetch_add(1, std::memory_order_relaxed);
      lock.unlock();
      loop.take_parts();
      lock.lock();
      // The loop may be destroyed as soon as it has no helper.
      if (loop.helpers.fetch_sub(1, std::memory_order_release) == 1) done.notify_all();
    }
  }

  // Called under the mutex. If the system gives no more threads, that is not an error: the caller does the work.
  void grow(int count) {
    try {
      for (; threads < count; ++threads) std::thread(&Pool::help, this).detach();
    } catch (const std::system_error&) {
    }
  }
};

// The pool is never destroyed, because its threads wait in it until the process ends. It is created when the addon is
// loaded rather than by the first call: a fork in the middle of that call would leave the child with half a pool.
Pool* current_pool = new Pool;
#if defined(__unix__) || defined(__APPLE__)
// The child of a fork has none of the threads, and its copy of the mutex may be locked by one of them.
[[maybe_unused]] const int at_fork = pthread_atfork(nullptr, nullptr, [] { current_pool = new Pool; });
#endif

}  // namespace

void run_in_parts(int64_t parts, int threads, void (*body)(const void* context, int64_t part), const void* context) {
  Loop loop{body, context, parts, {}, int(std::min<int64_t>(threads, parts)) - 1};
  if (loop.wanted <= 0) return loop.take_parts();
  Pool& shared = *current_pool;
  const int wanted = loop.wanted;
  {
    std::lock_guard<std::mutex> lock(shared.mutex);
    shared.grow(wanted);
    shared.caller_processor = current_processor();
    shared.loops.push_back(&loop);
  }
  for (int i = 0; i < wanted; ++i) shared.work.notify_one();
  loop.take_parts();
  std::unique_lock<std::mutex> lock(shared.mutex);
  shared.loops.erase(std::remove(shared.loops.begin(), shared.loops.end(), &loop), shared.loops.end());
  const auto finished = [&] { return loop.helpers.load(std::memory_order_acquire) == 0; };
  // Sleeping and being woken would take longer than the last part of a helper.
  lock.unlock();
  for (int i = 0; i < kSpins; ++i) {
    if (finished()) return;
    relax();
  }
  lock.lock();
  shared.done.wait(lock, finished);
}

}  // namespace scaloss
