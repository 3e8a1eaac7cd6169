# Zig brings musl, and a C++ library built for it (https://ziglang.org), but not what __builtin_cpu_supports calls: that is
# in GCC's library, and asks for no C library.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER zig cc -target x86_64-linux-musl)
set(CMAKE_CXX_COMPILER zig c++ -target x86_64-linux-musl)
execute_process(COMMAND gcc -print-libgcc-file-name OUTPUT_VARIABLE libgcc OUTPUT_STRIP_TRAILING_WHITESPACE)
set(CMAKE_CXX_STANDARD_LIBRARIES ${libgcc})
