// What a benchmark has measured must be what its name says: a wrong result ends the program instead of making a fast figure.
#pragma once

#include <stdexcept>
#include <string>

namespace ordersaga::bench {

inline void must(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(std::string("not what was to be measured: ") + what);
}

}  // namespace ordersaga::bench
