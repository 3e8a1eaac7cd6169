# Zig brings musl, and a C++ library built for it: https://ziglang.org
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER zig cc -target x86_64-linux-musl)
set(CMAKE_CXX_COMPILER zig c++ -target x86_64-linux-musl)
set(SCALOSS_CUDA OFF)
