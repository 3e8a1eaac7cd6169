#include "table.h"

namespace scaloss {
extern const Level kScalarLevel = {"scalar", make_table<float, float>(), make_table<double, double>()};
}
