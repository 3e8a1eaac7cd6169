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

namespace scaloss {

namespace {

struct Loop {
  void (*body)(const void* context, int64_t part);
  const void* context;
  int64_t parts;
  std::atomic<int64_t> next{0};  // part that nobody has taken
  int wanted;                    // helpers that may still come
  int helpers = 0;               // at work

  void take_parts() {
    for (;;) {
      const int64_t part = next.fetch_add(1, std::memory_order_relaxed);
      if (part >= parts) return;
      body(context, part);
    }
  }
};

// Members of Loop but `next` and these are touched under the mutex alone. It also makes what helpers wrote visible to
// the thread that waits for them.
struct Pool {
  std::mutex mutex;
  std::condition_variable work, done;
  std::deque<Loop*> loops;  // that want helpers
  int threads = 0;

  void help() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      work.wait(lock, [&] { return !loops.empty(); });
      Loop& loop = *loops.front();
      if (--loop.wanted == 0) loops.pop_front();
      loop.helpers++;
      lock.unlock();
      loop.take_parts();
      lock.lock();
      if (--loop.helpers == 0) done.notify_all();
    }
  }

  // Under the mutex. A system that gives no more threads is no error: the caller does the work.
  void grow(int count) {
    try {
      for (; threads < count; ++threads) std::thread(&Pool::help, this).detach();
    } catch (const std::system_error&) {
    }
  }
};

// Never destroyed: its threads wait in it to the end of the process.
Pool* current_pool = nullptr;

Pool& pool() {
  static const bool made = [] {
    current_pool = new Pool;
#if defined(__unix__) || defined(__APPLE__)
    // The child of a fork has none of the threads, and a mutex that one of them may have held.
    pthread_atfork(nullptr, nullptr, [] { current_pool = new Pool; });
#endif
    return true;
  }();
  (void)made;
  return *current_pool;
}

}  // namespace

void run_in_parts(int64_t parts, int threads, void (*body)(const void* context, int64_t part), const void* context) {
  Loop loop{body, context, parts, {}, int(std::min<int64_t>(threads, parts)) - 1};
  if (loop.wanted <= 0) return loop.take_parts();
  Pool& shared = pool();
  const int wanted = loop.wanted;
  {
    std::lock_guard<std::mutex> lock(shared.mutex);
    shared.grow(wanted);
    shared.loops.push_back(&loop);
  }
  wanted == 1 ? shared.work.notify_one() : shared.work.notify_all();
  loop.take_parts();
  std::unique_lock<std::mutex> lock(shared.mutex);
  shared.loops.erase(std::remove(shared.loops.begin(), shared.loops.end(), &loop), shared.loops.end());
  shared.done.wait(lock, [&] { return loop.helpers == 0; });
}

}  // namespace scaloss
