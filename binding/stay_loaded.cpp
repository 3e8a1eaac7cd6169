// Keeps the addon loaded until the process ends. Node unloads it after the last worker that used it, but the threads of
// the pool still run its code then. On Linux the linker sees to it, by -z nodelete.
#if defined(_WIN32)
#  define WIN32_LEAN_AND_MEAN
#  include <windows.h>
#else
#  include <dlfcn.h>
#endif

namespace {

const char in_this_addon = 0;

[[maybe_unused]] const bool stays_loaded = [] {
#if defined(_WIN32)
  HMODULE addon;
  const DWORD how = GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
  return GetModuleHandleExW(how, reinterpret_cast<LPCWSTR>(&in_this_addon), &addon) != 0;
#else
  // A second handle, which nobody closes.
  Dl_info addon;
  return dladdr(&in_this_addon, &addon) != 0 && dlopen(addon.dli_fname, RTLD_LAZY | RTLD_NOLOAD) != nullptr;
#endif
}();

}  // namespace
