// When an exception that nobody caught ends the program, the C++ libraries print its type, and make the name readable
// by much code. This stands for that code and fails, so they print the name as it is in the binary.
#include <cstddef>

extern "C" char* __cxa_demangle(const char*, char*, size_t*, int* status) {
  if (status != nullptr) *status = -1;  // not enough memory
  return nullptr;
}
