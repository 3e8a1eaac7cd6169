// fork() of a process while its threads use the pool of the CPU backend: child, grandchild and parent must all get the
// help that they ask for, and right results. Prints how many forks that was.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "../../../cpu/pool.h"

namespace {

constexpr int kForks = 20, kThreads = 4, kCallers = 2;
// Of each process, in seconds. Where help does not come, nothing else ends it.
constexpr unsigned kLimit = 30;

// Returns once as many threads as asked for are in one loop at the same time. For one caller at a time: two could each
// wait for threads that the other holds.
void meet() {
  std::atomic<int> there{0};
  scaloss::for_each_part(kThreads, kThreads, [&](int64_t) {
    ++there;
    while (there < kThreads) std::this_thread::yield();
  });
}

bool adds_up() {
  constexpr int64_t kParts = 1000;
  std::atomic<int64_t> sum{0};
  scaloss::for_each_part(kParts, kThreads, [&](int64_t part) { sum += part; });
  return sum == kParts * (kParts - 1) / 2;
}

// Whether a child computes what it should, and so do its children.
bool works_after_fork(int generations) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(kLimit);
    meet();
    _exit(adds_up() && (generations == 1 || works_after_fork(generations - 1)) ? 0 : 1);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main() {
  // So that some forks come while another thread holds the pool's mutex.
  std::atomic<bool> stop{false}, right{true};
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        if (!adds_up()) right = false;
      }
    });
  }
  int forks = 0;
  for (; forks < kForks && works_after_fork(2); ++forks) {
    alarm(kLimit);
    meet();
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  printf("%d forks\n", forks);
  return forks == kForks && right ? 0 : 1;
}
