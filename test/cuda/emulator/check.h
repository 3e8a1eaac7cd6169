// The parts of the stand-alone check (check.cpp).
#pragma once

#include <functional>
#include <string>

#include "../../support/expect.h"

namespace check {

// Runs one check and prints its line. The program ends at the first that fails.
void run(const std::string& name, const std::function<void()>& body);

// The emulated runtime by itself (check_runtime.cpp).
void check_runtime();
// Rows, grids and schedules of few rows, and the workspace from launch to launch (check_launches.cpp).
void check_launches();
// Every loss over `pairs` pairs of boxes of all kinds (check_bits.cpp).
void check_bits(int64_t pairs);

}  // namespace check
