// EMULATOR_TSAN: the program is built with ThreadSanitizer, but not this file and emulator.cpp. They read and write of
// all fibers, which on a GPU would be no reads and writes at all.

// getcontext() returns twice in the compiler's eyes only.
#pragma GCC diagnostic ignored "-Wclobbered"

#include "fiber.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#  include <sanitizer/asan_interface.h>
#endif
#if defined(EMULATOR_TSAN)
#  include <sanitizer/tsan_interface.h>
#endif

namespace emulator {
namespace {

constexpr size_t kStack = 256 << 10, kGuard = 4 << 10;

#if defined(__x86_64__) && defined(__ELF__)

// swapcontext() makes two system calls; a launch of one block switches a thousand times.
struct Registers {
  void* stack_pointer;
};
extern "C" void emulator_switch(void** save, void* load);
asm(R"(
.text
.type emulator_switch, @function
emulator_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
.size emulator_switch, . - emulator_switch
)");
void switch_registers(Registers& from, Registers& to) {
  emulator_switch(&from.stack_pointer, to.stack_pointer);
}
void set_registers(Registers& registers, char* stack, void (*body)()) {
  // Six registers, where to return to, and who called that: nobody. Aligned as after a call.
  void** top = reinterpret_cast<void**>(stack + kStack) - 8;
  for (int i = 0; i < 8; ++i) top[i] = nullptr;
  top[6] = reinterpret_cast<void*>(body);
  registers.stack_pointer = top;
}

#else

struct Registers {
  ucontext_t context;
};
void switch_registers(Registers& from, Registers& to) {
  swapcontext(&from.context, &to.context);
}
void set_registers(Registers& registers, char* stack, void (*body)()) {
  getcontext(&registers.context);
  registers.context.uc_stack.ss_sp = stack;
  registers.context.uc_stack.ss_size = kStack;
  makecontext(&registers.context, body, 0);
}

#endif

// One side of a switch.
struct Side {
  Registers registers;
  const void* stack;
  size_t size;
  void* fake_stack;  // AddressSanitizer's
  void* tsan;        // ThreadSanitizer's

  void switch_to(Side& to) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fake_stack, to.stack, to.size);
#endif
#if defined(EMULATOR_TSAN)
    __tsan_switch_to_fiber(to.tsan, __tsan_switch_to_fiber_no_sync);
#endif
    switch_registers(registers, to.registers);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
  }
};

Side scheduler, *running;
void (*fiber_body)();

void enter() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler.stack, &scheduler.size);
#endif
  fiber_body();
}

struct Fiber : Side {
  Fiber() {
    memory_ = mmap(nullptr, kGuard + kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED || mprotect(memory_, kGuard, PROT_NONE) != 0) abort();
    stack = static_cast<char*>(memory_) + kGuard;
    size = kStack;
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(stack, size);
#endif
#if defined(EMULATOR_TSAN)
    tsan = __tsan_create_fiber(0);
#endif
  }
  ~Fiber() {
#if defined(EMULATOR_TSAN)
    __tsan_destroy_fiber(tsan);
#endif
    munmap(memory_, kGuard + kStack);
  }
  Fiber(const Fiber&) = delete;

 private:
  void* memory_;
};

std::vector<std::unique_ptr<Fiber>>& fibers() {
  static auto* fibers = new std::vector<std::unique_ptr<Fiber>>;
  return *fibers;
}

}  // namespace

void prepare_fibers(unsigned count, void (*body)()) {
#if defined(EMULATOR_TSAN)
  scheduler.tsan = __tsan_get_current_fiber();
#endif
  fiber_body = body;
  while (fibers().size() < count) fibers().push_back(std::make_unique<Fiber>());
  for (unsigned i = 0; i < count; ++i) {
    Fiber& fiber = *fibers()[i];
    set_registers(fiber.registers, static_cast<char*>(const_cast<void*>(fiber.stack)), enter);
  }
}

void resume_fiber(unsigned index) {
  running = fibers()[index].get();
  scheduler.switch_to(*running);
}

void suspend_fiber() {
  running->switch_to(scheduler);
}

void discard_fibers() {
#if defined(EMULATOR_TSAN)
  // Whoever frees what they used comes after them.
  char order;
  for (const auto& fiber : fibers()) {
    __tsan_switch_to_fiber(fiber->tsan, __tsan_switch_to_fiber_no_sync);
    __tsan_release(&order);
  }
  __tsan_switch_to_fiber(scheduler.tsan, __tsan_switch_to_fiber_no_sync);
  __tsan_acquire(&order);
#endif
  fibers().clear();
}

#if defined(EMULATOR_TSAN)
void release_order(void* point) {
  __tsan_release(point);
}
void acquire_order(void* point) {
  __tsan_acquire(point);
}
#else
void release_order(void*) {}
void acquire_order(void*) {}
#endif

}  // namespace emulator
