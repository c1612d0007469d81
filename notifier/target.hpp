// Where notices go. Each target belongs to one sender thread.
#pragma once

#include "db/notices.hpp"

#include <string>

namespace ordersaga::notifier {

struct TryResult {
    enum class Kind {
        delivered,  // the other side has said so
        try_again,  // it has not, or nothing understandable; `error` says when it may have arrived all the same
        refused,    // it will never take this one
    };
    Kind kind = Kind::try_again;
    std::string error;  // one line for an operator; no secret
};

class Target {
public:
    virtual ~Target() = default;
    // Blocks, up to a bound of its own. Never throws for anything the other side did.
    virtual TryResult send(const db::DueNotice& notice) = 0;
};

}  // namespace ordersaga::notifier
