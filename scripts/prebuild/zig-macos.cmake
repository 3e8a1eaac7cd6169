# Links for macOS by LLVM's linker, because Zig's own exports hidden symbols and leaves files for x64 unsigned. What it
# links is Zig's: the C++ library, which Zig builds for a first file, and the list of the symbols of libSystem.
set(target ${SCALOSS_ZIG_TARGET})
set(folder ${CMAKE_CURRENT_BINARY_DIR}/zig)
if(NOT EXISTS ${folder}/first.dylib)
  file(WRITE ${folder}/first.cpp "void first() { throw 1; }\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -E env ZIG_GLOBAL_CACHE_DIR=${folder}
    zig c++ -target ${target} -O3 -shared ${folder}/first.cpp -o ${folder}/first.dylib COMMAND_ERROR_IS_FATAL ANY)
endif()
file(GLOB libraries ${folder}/o/*/libc++.a ${folder}/o/*/libc++abi.a)
execute_process(COMMAND zig env OUTPUT_VARIABLE environment COMMAND_ERROR_IS_FATAL ANY)
string(JSON zig_libraries GET ${environment} lib_dir)
list(JOIN libraries " " libraries)
string(REGEX MATCH "macos.([0-9.]+)" _ ${target})
string(REPLACE "aarch64" "arm64" arch ${CMAKE_SYSTEM_PROCESSOR})
string(CONCAT CMAKE_CXX_CREATE_SHARED_MODULE
  "ld64.lld-19 -arch ${arch} -platform_version macos ${CMAKE_MATCH_1} ${CMAKE_MATCH_1} -bundle -o <TARGET> "
  "-undefined dynamic_lookup -adhoc_codesign -dead_strip -S -x "
  "-exported_symbol _napi_register_module_v* -exported_symbol _node_api_module_get_api_version_v* "
  "<OBJECTS> ${libraries} ${zig_libraries}/libc/darwin/libSystem.11.tbd")
