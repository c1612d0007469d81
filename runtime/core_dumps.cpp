#include "runtime/core_dumps.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace ordersaga::runtime {

void forbid_core_dumps() {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    // The limit does not bind a collector that the kernel pipes the dump into; this does.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace ordersaga::runtime
