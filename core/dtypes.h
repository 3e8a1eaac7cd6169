// The types of storage.h by number, for code that learns at run time which type an array holds.
#pragma once

#include <cstddef>
#include <iterator>
#include <stdexcept>

#include "storage.h"

namespace scaloss {

// Every type, by its name in JavaScript. The position is its number at the addon's boundary. Code that treats the types
// differently goes through dispatch_dtype() or has a table made from this list, so that a new type cannot be taken for
// one of the others.
#define SCALOSS_DTYPES(ROW) ROW(float32, float) ROW(float64, double) ROW(float16, Float16) ROW(bfloat16, BFloat16)

enum class DType : int {
#define SCALOSS_ROW(name, Type) name,
  SCALOSS_DTYPES(SCALOSS_ROW)
#undef SCALOSS_ROW
};
constexpr const char* kDTypeNames[] = {
#define SCALOSS_ROW(name, Type) #name,
    SCALOSS_DTYPES(SCALOSS_ROW)
#undef SCALOSS_ROW
};
constexpr int kDTypes = int(std::size(kDTypeNames));

// The number of a type. It is defined only for the types of the list.
template <class S>
struct DTypeOf;
#define SCALOSS_ROW(name, Type)                 \
  template <>                                   \
  struct DTypeOf<Type> {                        \
    static constexpr DType value = DType::name; \
  };
SCALOSS_DTYPES(SCALOSS_ROW)
#undef SCALOSS_ROW
template <class S>
constexpr DType kDTypeOf = DTypeOf<S>::value;

// An empty value whose type tells a stored type.
template <class S>
struct Stored {
  using type = S;
};

// Calls function(Stored<S>()) with the type that has the number.
template <class Function>
auto dispatch_dtype(DType dtype, const Function& function) {
  switch (dtype) {
#define SCALOSS_ROW(name, Type) \
  case DType::name:             \
    return function(Stored<Type>());
    SCALOSS_DTYPES(SCALOSS_ROW)
#undef SCALOSS_ROW
  }
  throw std::logic_error("no such dtype");
}

inline size_t size_of(DType dtype) {
  return dispatch_dtype(dtype, [](auto stored) { return sizeof(typename decltype(stored)::type); });
}

}  // namespace scaloss
