#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 warns of an uninitialised variable in its own AVX-512 header.
#  pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "tiles.h"

namespace scaloss {
extern const Level kAvx512Level = {"avx512", make_table<Pack<float, 16>, float>(),
                                   make_table<Pack<double, 8>, double>()};
}
