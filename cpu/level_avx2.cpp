#include "table.h"

namespace scaloss {
extern const Level kAvx2Level = {"avx2", make_table<Pack<float, 8>, float>(), make_table<Pack<double, 4>, double>()};
}
