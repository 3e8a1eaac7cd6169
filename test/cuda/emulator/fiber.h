// Stacks that take turns on one thread of the operating system.
#pragma once

namespace emulator {

// Gets the stacks 0 .. count - 1 ready to run `body`, which never returns. Stacks are kept: thousands of them for a
// launch would otherwise be thousands of mappings.
void prepare_fibers(unsigned count, void (*body)());

// Runs fiber `index` until it suspends itself.
void resume_fiber(unsigned index);
void suspend_fiber();

// Throws all stacks away: some hold calls that will never return.
void discard_fibers();

// What ThreadSanitizer may take as order between fibers: whoever acquires has seen what others did before they
// released. Switching from one to the other orders nothing.
void release_order(void* point);
void acquire_order(void* point);

}  // namespace emulator
