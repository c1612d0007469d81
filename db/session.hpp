// A connection that is made anew when it was lost, and work that is done again when that is safe. One thread at
// a time. This is what services hold; Connection is what one life of it is.
#pragma once

#include "db/connection.hpp"

#include <functional>
#include <memory>

namespace ordersaga::db {

class Session {
public:
    // Does not connect yet: the first transact() does.
    explicit Session(ConnectionSettings settings);
    ~Session();
    Session(Session&&) noexcept;

    // Runs `work` in one transaction. On Retryable and Broken the whole of it is done again, at most five times
    // in all, with full jitter up to 10, 20, 40, 80 ms between (`work` must not keep anything from a failed run).
    // InDoubt is never repeated: the caller reads again and decides. The last failure is thrown.
    void transact(const std::function<void(Transaction&)>& work);

    // The same for `work` that only reads: see Connection::read.
    void read(const std::function<void(Transaction&)>& work);

    // Runs it once; a lost connection is still replaced at the start of the next call.
    void transact_once(const std::function<void(Transaction&)>& work);

    bool connected() const noexcept;

private:
    Connection& live();

    ConnectionSettings settings_;
    std::unique_ptr<Connection> connection_;
};

}  // namespace ordersaga::db
