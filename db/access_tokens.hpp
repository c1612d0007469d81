// The access tokens as the database has them, for the workers: a thread of its own reads them every few seconds, opens them
// and keeps them in memory, so that a call costs no round trip. Needs the worker's login alone.
#pragma once

#include "runtime/sealing.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ordersaga::db {

class AccessTokens {
public:
    struct Settings {
        std::string dsn;
        runtime::KeyRing keys;
        std::chrono::milliseconds interval{3000};
    };
    struct Token {
        std::string text;
        std::int64_t version = 0;
    };
    struct Refusal {
        std::string merchant, subject;
        std::int64_t version = 0;
    };

    // Starts the thread; does not wait for the server. While that is away the last tokens stay in force until their end.
    explicit AccessTokens(Settings settings);
    ~AccessTokens();
    AccessTokens(const AccessTokens&) = delete;
    AccessTokens& operator=(const AccessTokens&) = delete;

    // From any thread, never blocks on the network. Empty: none is known, or it is past its end. `subject` as in
    // db/credentials.hpp.
    std::optional<Token> find(const std::string& merchant, const std::string& subject) const;

    // Reads at once. `done` is called on this class's thread when that was done or has failed, and at the latest when this
    // object ends. A refusal is first noted in the database, where the renewer sees it.
    void read_again(std::optional<Refusal> refused, std::function<void()> done);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::db
