#include "runtime/priority.hpp"

#include <sys/resource.h>

namespace ordersaga::runtime {

bool go_before_others(int nice) noexcept {
    return setpriority(PRIO_PROCESS, 0, nice) == 0;  // 0: on Linux the thread that asks
}

}  // namespace ordersaga::runtime
