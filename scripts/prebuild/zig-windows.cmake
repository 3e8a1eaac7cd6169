# Zig's library for exceptions exports its functions from whatever it is linked into. The same sources, compiled here,
# keep them inside.
execute_process(COMMAND zig env OUTPUT_VARIABLE environment COMMAND_ERROR_IS_FATAL ANY)
string(JSON zig_libraries GET ${environment} lib_dir)
set(sources ${zig_libraries}/libunwind/src)
enable_language(C)
add_library(unwind OBJECT ${sources}/libunwind.cpp ${sources}/Unwind-seh.cpp ${sources}/UnwindLevel1.c
  ${sources}/UnwindRegistersSave.S)
set_source_files_properties(${sources}/UnwindRegistersSave.S PROPERTIES LANGUAGE C)
target_compile_definitions(unwind PRIVATE _LIBUNWIND_HIDE_SYMBOLS _LIBUNWIND_IS_NATIVE_ONLY)
target_include_directories(unwind PRIVATE ${zig_libraries}/libunwind/include)
target_compile_options(unwind PRIVATE -w -fno-exceptions $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)
link_libraries(unwind)
