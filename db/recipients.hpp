// Whom an order goes to, for the workers: a thread of its own reads and opens the addresses that commands ask for, many in
// one round trip. Nothing is kept in memory. Needs the worker's login alone.
#pragma once

#include "runtime/sealing.hpp"

#include <functional>
#include <memory>
#include <string>

namespace ordersaga::db {

class Recipients {
public:
    struct Settings {
        std::string dsn;
        runtime::KeyRing keys;
    };
    struct Answer {
        enum class Kind {
            known,
            erased,       // there is none (any more)
            unavailable,  // the database is away: ask again
            unopened,     // the key ring lacks the key
        };
        Kind kind = Kind::unavailable;
        std::string text;  // known: JSON, as the saga's participant wrote it; else why not
    };

    // Starts the thread; does not wait for the server.
    explicit Recipients(Settings settings);
    ~Recipients();
    Recipients(const Recipients&) = delete;
    Recipients& operator=(const Recipients&) = delete;

    // From any thread, never blocks. `done` is called once, on this class's thread, and at the latest when this object ends.
    void find(const std::string& merchant, const std::string& saga_id, std::function<void(Answer)> done);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::db
