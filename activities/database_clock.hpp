// Database time as a worker sees it.
//
// Purpose: send_before and deadline are instants of the database's clock; a worker's own clock may be off by minutes.
// Thread: now() may be called from any thread.
// Errors: nullopt while the offset is not known; a write is then not sent.
#pragma once

#include "runtime/clock.hpp"

#include <optional>

namespace ordersaga::activities {

class DatabaseClock {
public:
    virtual ~DatabaseClock() = default;
    [[nodiscard]] virtual std::optional<runtime::Instant> now() const = 0;
};

}  // namespace ordersaga::activities
