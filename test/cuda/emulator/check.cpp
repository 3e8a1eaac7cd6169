// Kernels on the emulator against the CPU backend at every SIMD level, bit by bit, without Node: to be built with
// sanitizers (CMakeLists.txt).
//
//   check [pairs]    default: 10,000,000
#include "check.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace check {

void run(const std::string& name, const std::function<void()>& body) {
  // The name first: a sanitizer may end the program.
  printf("%-60s ", name.c_str());
  fflush(stdout);
  const auto start = std::chrono::steady_clock::now();
  try {
    body();
  } catch (const Failed& failure) {
    printf("failed: %s\n", failure.why.c_str());
    exit(1);
  }
  printf("ok %6.2f s\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

}  // namespace check

// A report of ThreadSanitizer ends the program, too.
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1";
}

int main(int count, char** arguments) {
  const int64_t pairs = count > 1 ? atoll(arguments[1]) : 10'000'000;
  check::check_runtime();
  check::check_launches();
  check::check_bits(pairs);
}
