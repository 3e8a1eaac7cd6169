# Links the addon so that it asks for no glibc newer than 2.18. Functions that glibc 2.34 moved from libpthread, libdl
# and librt into libc are linked against stubs of these libraries, with the versions that every glibc has; the linker
# alone sees the stubs.
enable_language(C)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  set(versions "GLIBC_2.17 { *; };")
else()
  set(versions "GLIBC_2.3.4 { dlmopen; }; GLIBC_2.2.5 { *; };")
endif()
set_target_properties(scaloss PROPERTIES SKIP_BUILD_RPATH ON)
set(folder ${CMAKE_CURRENT_BINARY_DIR}/old-glibc)
file(WRITE ${folder}/versions.map "${versions}\n")

function(scaloss_stub soname)
  list(TRANSFORM ARGN REPLACE "(.+)" "void \\1(void) {}" OUTPUT_VARIABLE functions)
  list(JOIN functions "\n" code)
  file(WRITE ${folder}/${soname}.c "${code}\n")
  add_library(${soname} SHARED ${folder}/${soname}.c)
  set_target_properties(${soname} PROPERTIES NO_SONAME ON C_VISIBILITY_PRESET default LIBRARY_OUTPUT_DIRECTORY ${folder}
    PREFIX "" OUTPUT_NAME ${soname} SUFFIX "")
  target_compile_options(${soname} PRIVATE -fno-builtin)
  target_link_options(${soname} PRIVATE -nostdlib -Wl,-soname,${soname} -Wl,--version-script,${folder}/versions.map)
  # Even where what needs the library, libstdc++, comes after it.
  target_link_libraries(scaloss PRIVATE -Wl,--push-state,--no-as-needed,${folder}/${soname},--pop-state)
  add_dependencies(scaloss ${soname})
endfunction()

scaloss_stub(libpthread.so.0
  pthread_condattr_setpshared pthread_create pthread_detach pthread_getspecific pthread_join pthread_key_create
  pthread_key_delete pthread_kill pthread_mutex_trylock pthread_mutexattr_destroy pthread_mutexattr_init
  pthread_mutexattr_setpshared pthread_mutexattr_settype pthread_once pthread_rwlock_destroy pthread_rwlock_init
  pthread_rwlock_rdlock pthread_rwlock_timedrdlock pthread_rwlock_timedwrlock pthread_rwlock_tryrdlock
  pthread_rwlock_trywrlock pthread_rwlock_unlock pthread_rwlock_wrlock pthread_rwlockattr_destroy
  pthread_rwlockattr_init pthread_rwlockattr_setpshared pthread_setspecific pthread_spin_destroy pthread_spin_init
  pthread_spin_lock pthread_spin_trylock pthread_spin_unlock sem_destroy sem_init sem_post sem_timedwait sem_trywait
  sem_wait)
scaloss_stub(libdl.so.2 dlclose dlerror dlmopen dlopen dlsym dlvsym)
scaloss_stub(librt.so.1 shm_open shm_unlink)

# libstdc++ inside the addon reads this of glibc 2.32 to spare itself atomic operations. Our own says that there are
# threads.
file(WRITE ${folder}/single_threaded.c "__attribute__((visibility(\"hidden\"))) char __libc_single_threaded = 0;\n")
target_sources(scaloss PRIVATE ${folder}/single_threaded.c)
