// Threads that help a call with a loop over independent parts. All calls of the process share them. They start when a
// call first needs them, and stay.
#pragma once

#include <cstdint>

namespace scaloss {

// Calls body(part) once for every part from 0 to below `parts`, on this thread and on up to `threads` - 1 others, and
// returns when all are done. This thread takes parts like the others and waits for none that has not begun. If no other
// thread comes in time, it does all the work. body must not throw.
template <class Body>
void for_each_part(int64_t parts, int threads, const Body& body);

// The same for a plain function and its context.
void run_in_parts(int64_t parts, int threads, void (*body)(const void* context, int64_t part), const void* context);

template <class Body>
void for_each_part(int64_t parts, int threads, const Body& body) {
  run_in_parts(
      parts, threads, [](const void* context, int64_t part) { (*static_cast<const Body*>(context))(part); }, &body);
}

}  // namespace scaloss
