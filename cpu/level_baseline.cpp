#include "table.h"

namespace scaloss {
extern const Level kBaselineLevel = {"baseline", make_table<Pack<float, 4>, float>(),
                                     make_table<Pack<double, 2>, double>()};
}
