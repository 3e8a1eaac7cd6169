// libSystem of macOS by means of glibc, as far as the prebuilds need it. Most functions are the same.
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "image.h"

extern "C" int __xpg_strerror_r(int, char*, size_t);
extern "C" int __cxa_thread_atexit_impl(void (*)(void*), void*, void*);
extern "C" void* __dso_handle;

// --- Thread-local variables -----------------------------------------------------------------------------------------
namespace {

pthread_key_t blocks;
const char* first_values;
uint64_t value_bytes, block_bytes;

}  // namespace

void set_thread_locals(const char* first, uint64_t bytes, uint64_t bytes_with_zeros) {
  first_values = first;
  value_bytes = bytes;
  block_bytes = (bytes_with_zeros + 63) / 64 * 64;
  pthread_key_create(&blocks, free);
}

// A descriptor holds the function that finds the variable, a key, and the variable's place in the block of a thread.
extern "C" __attribute__((used, visibility("hidden"))) char* thread_local_address(const uint64_t* descriptor) {
  char* block = static_cast<char*>(pthread_getspecific(blocks));
  if (block == nullptr) {
    block = static_cast<char*>(aligned_alloc(64, block_bytes));
    memset(block, 0, block_bytes);
    memcpy(block, first_values, value_bytes);
    pthread_setspecific(blocks, block);
  }
  return block + descriptor[2];
}

// The function in every descriptor. Callers on macOS rely on it to keep registers that other functions may change.
extern "C" void find_thread_local();
#if defined(__x86_64__)
asm(R"(.text
find_thread_local:
  push %rcx; push %rdx; push %rsi; push %rdi; push %r8; push %r9; push %r10; push %r11
  mov %rsp, %rax
  sub $32, %rsp
  and $-16, %rsp
  mov %rax, (%rsp)
  call thread_local_address
  mov (%rsp), %rsp
  pop %r11; pop %r10; pop %r9; pop %r8; pop %rdi; pop %rsi; pop %rdx; pop %rcx
  ret)");
#else
asm(R"(.text
find_thread_local:
  stp x29, x30, [sp, -16]!
  sub sp, sp, 640
  stp x1, x2, [sp]; stp x3, x4, [sp, 16]; stp x5, x6, [sp, 32]; stp x7, x8, [sp, 48]
  stp x9, x10, [sp, 64]; stp x11, x12, [sp, 80]; stp x13, x14, [sp, 96]; stp x15, x18, [sp, 112]
  stp q0, q1, [sp, 128]; stp q2, q3, [sp, 160]; stp q4, q5, [sp, 192]; stp q6, q7, [sp, 224]
  stp q8, q9, [sp, 256]; stp q10, q11, [sp, 288]; stp q12, q13, [sp, 320]; stp q14, q15, [sp, 352]
  stp q16, q17, [sp, 384]; stp q18, q19, [sp, 416]; stp q20, q21, [sp, 448]; stp q22, q23, [sp, 480]
  stp q24, q25, [sp, 512]; stp q26, q27, [sp, 544]; stp q28, q29, [sp, 576]; stp q30, q31, [sp, 608]
  bl thread_local_address
  ldp x1, x2, [sp]; ldp x3, x4, [sp, 16]; ldp x5, x6, [sp, 32]; ldp x7, x8, [sp, 48]
  ldp x9, x10, [sp, 64]; ldp x11, x12, [sp, 80]; ldp x13, x14, [sp, 96]; ldp x15, x18, [sp, 112]
  ldp q0, q1, [sp, 128]; ldp q2, q3, [sp, 160]; ldp q4, q5, [sp, 192]; ldp q6, q7, [sp, 224]
  ldp q8, q9, [sp, 256]; ldp q10, q11, [sp, 288]; ldp q12, q13, [sp, 320]; ldp q14, q15, [sp, 352]
  ldp q16, q17, [sp, 384]; ldp q18, q19, [sp, 416]; ldp q20, q21, [sp, 448]; ldp q22, q23, [sp, 480]
  ldp q24, q25, [sp, 512]; ldp q26, q27, [sp, 544]; ldp q28, q29, [sp, 576]; ldp q30, q31, [sp, 608]
  add sp, sp, 640
  ldp x29, x30, [sp], 16
  ret)");
#endif

namespace {

// --- Threads: a static initialiser of macOS becomes one of glibc, which is all zeros
// ---------------------------------- Objects of glibc are no larger than those of macOS. Their first bytes are a
// signature there.
void adopt(void* object, int64_t signature, size_t size) {
  static std::mutex mutex;
  if (__atomic_load_n(static_cast<int64_t*>(object), __ATOMIC_ACQUIRE) != signature) return;
  std::lock_guard<std::mutex> lock(mutex);
  if (*static_cast<int64_t*>(object) == signature) memset(object, 0, size);
}
pthread_mutex_t* mutex_of(void* object) {
  adopt(object, 0x32aaaba7, sizeof(pthread_mutex_t));
  return static_cast<pthread_mutex_t*>(object);
}
pthread_cond_t* condition_of(void* object) {
  adopt(object, 0x3cb0b1bb, sizeof(pthread_cond_t));
  return static_cast<pthread_cond_t*>(object);
}
int mutex_lock(void* mutex) {
  return pthread_mutex_lock(mutex_of(mutex));
}
int mutex_unlock(void* mutex) {
  return pthread_mutex_unlock(mutex_of(mutex));
}
int condition_wait(void* condition, void* mutex) {
  return pthread_cond_wait(condition_of(condition), mutex_of(mutex));
}
int condition_signal(void* condition) {
  return pthread_cond_signal(condition_of(condition));
}
int condition_broadcast(void* condition) {
  return pthread_cond_broadcast(condition_of(condition));
}
int once(int64_t* signature_and_state, void (*function)()) {
  return pthread_once(reinterpret_cast<pthread_once_t*>(signature_and_state + 1), function);
}
int key_create(unsigned long* key, void (*destroy)(void*)) {
  pthread_key_t own;
  const int error = pthread_key_create(&own, destroy);
  *key = own;
  return error;
}
int at_fork(void (*prepare)(), void (*parent)(), void (*child)()) {
  return pthread_atfork(prepare, parent, child);
}
unsigned thread_number(pthread_t) {
  return gettid();
}
void at_thread_exit(void (*function)(void*), void* argument) {
  __cxa_thread_atexit_impl(function, argument, __dso_handle);
}

// --- The image opens itself
// -------------------------------------------------------------------------------------------
bool opened_itself = false;

int address_info(const void*, Dl_info* info) {
  *info = {getenv("MACHO"), image, nullptr, nullptr};
  return 1;
}
void* open_library(const char* path, int mode) {
  constexpr int kLazy = 0x1, kNoLoad = 0x10;  // of macOS
  opened_itself = mode == (kLazy | kNoLoad) && strcmp(path, getenv("MACHO")) == 0;
  return opened_itself ? image : nullptr;
}

void refuse() {
  die("the addon called a function that this loader does not offer");
}

FILE* standard_error = stderr;
char rune_locale[4096];  // tables of character classes, which nothing reads

const struct {
  const char* name;
  void* value;
} kDifferent[] = {
    {"__error", reinterpret_cast<void*>(__errno_location)},
    {"__stderrp", &standard_error},
    {"_DefaultRuneLocale", rune_locale},
    {"__bzero", reinterpret_cast<void*>(bzero)},
    {"strerror_r", reinterpret_cast<void*>(__xpg_strerror_r)},
    {"_tlv_bootstrap", reinterpret_cast<void*>(find_thread_local)},
    {"_tlv_atexit", reinterpret_cast<void*>(at_thread_exit)},
    {"pthread_mutex_lock", reinterpret_cast<void*>(mutex_lock)},
    {"pthread_mutex_unlock", reinterpret_cast<void*>(mutex_unlock)},
    {"pthread_cond_wait", reinterpret_cast<void*>(condition_wait)},
    {"pthread_cond_signal", reinterpret_cast<void*>(condition_signal)},
    {"pthread_cond_broadcast", reinterpret_cast<void*>(condition_broadcast)},
    {"pthread_once", reinterpret_cast<void*>(once)},
    {"pthread_key_create", reinterpret_cast<void*>(key_create)},
    {"pthread_atfork", reinterpret_cast<void*>(at_fork)},
    {"pthread_mach_thread_np", reinterpret_cast<void*>(thread_number)},
    {"dladdr", reinterpret_cast<void*>(address_info)},
    {"dlopen", reinterpret_cast<void*>(open_library)},
    // Everything is bound before the first call.
    {"dyld_stub_binder", reinterpret_cast<void*>(refuse)},
    // On arm64, macOS passes variable arguments in another way.
    {"snprintf", reinterpret_cast<void*>(refuse)},
    {"vfprintf", reinterpret_cast<void*>(refuse)},
};

}  // namespace

bool image_stays_loaded() {
  return opened_itself;
}

void* find_in_libsystem(const char* symbol) {
  const char* const name = symbol + (*symbol == '_');
  for (const auto& different : kDifferent)
    if (strcmp(different.name, name) == 0) return different.value;
  void* const value = dlsym(RTLD_DEFAULT, name);
  if (value == nullptr) die("no such function or variable:", symbol);
  return value;
}
