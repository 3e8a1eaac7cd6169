// Windows: finds the functions of Node-API in the program that loads the addon, whatever its name. An import library
// would demand a module called node.exe, and then a renamed one could not load the addon: Electron, for example.
#include <initializer_list>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

// Every function that the addon calls. If one is missing here, the addon cannot be linked.
#define SCALOSS_NODE_API(F)            \
  F(napi_adjust_external_memory)       \
  F(napi_call_function)                \
  F(napi_close_escapable_handle_scope) \
  F(napi_close_handle_scope)           \
  F(napi_create_array)                 \
  F(napi_create_array_with_length)     \
  F(napi_create_async_work)            \
  F(napi_create_double)                \
  F(napi_create_error)                 \
  F(napi_create_external)              \
  F(napi_create_external_arraybuffer)  \
  F(napi_create_function)              \
  F(napi_create_object)                \
  F(napi_create_promise)               \
  F(napi_create_reference)             \
  F(napi_create_string_latin1)         \
  F(napi_create_string_utf8)           \
  F(napi_create_type_error)            \
  F(napi_define_properties)            \
  F(napi_delete_async_work)            \
  F(napi_delete_reference)             \
  F(napi_escape_handle)                \
  F(napi_fatal_error)                  \
  F(napi_get_and_clear_last_exception) \
  F(napi_get_array_length)             \
  F(napi_get_boolean)                  \
  F(napi_get_cb_info)                  \
  F(napi_get_last_error_info)          \
  F(napi_get_named_property)           \
  F(napi_get_property)                 \
  F(napi_get_reference_value)          \
  F(napi_get_typedarray_info)          \
  F(napi_get_undefined)                \
  F(napi_get_value_bigint_uint64)      \
  F(napi_get_value_bool)               \
  F(napi_get_value_double)             \
  F(napi_get_value_external)           \
  F(napi_get_value_string_utf8)        \
  F(napi_has_property)                 \
  F(napi_is_exception_pending)         \
  F(napi_open_escapable_handle_scope)  \
  F(napi_open_handle_scope)            \
  F(napi_queue_async_work)             \
  F(napi_reject_deferred)              \
  F(napi_resolve_deferred)             \
  F(napi_set_element)                  \
  F(napi_set_named_property)           \
  F(napi_throw)                        \
  F(napi_typeof)

// The pointers through which the compiler calls what the headers declare as __declspec(dllimport).
#define SCALOSS_POINTER(name) extern "C" FARPROC __imp_##name = nullptr;
SCALOSS_NODE_API(SCALOSS_POINTER)
#undef SCALOSS_POINTER

// The module with Node-API: the program itself, or the library that some programs keep Node in.
static HMODULE find_node() {
  for (const wchar_t* name : {static_cast<const wchar_t*>(nullptr), L"libnode.dll", L"node.dll"}) {
    const HMODULE module = GetModuleHandleW(name);
    if (module != nullptr && GetProcAddress(module, "napi_create_function") != nullptr) return module;
  }
  return nullptr;
}

// Called when the addon is loaded, before anything else in it but its static initialisers. FALSE refuses to load it:
// calling a function that was not found would end the process.
extern "C" BOOL WINAPI DllMain(HINSTANCE, DWORD reason, LPVOID) {
  if (reason != DLL_PROCESS_ATTACH) return TRUE;
  const HMODULE node = find_node();
  if (node == nullptr) return FALSE;
#define SCALOSS_FIND(name) \
  if ((__imp_##name = GetProcAddress(node, #name)) == nullptr) return FALSE;
  SCALOSS_NODE_API(SCALOSS_FIND)
#undef SCALOSS_FIND
  return TRUE;
}
