#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 warns of uninitialised variables in its own AVX-512 header.
#  pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#  pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include "table.h"

namespace scaloss {
extern const Level kAvx512Level = {"avx512", make_table<Pack<float, 16>, float>(),
                                   make_table<Pack<double, 8>, double>()};
}
