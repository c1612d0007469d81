// Who may come in and how often. Guesses are slowed down per address, owners of tokens per token. Thread-safe.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/http_server.hpp"
#include "runtime/token_bucket.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace ordersaga::api {

class Gate {
public:
    explicit Gate(double requests_per_second) : requests_per_second_(requests_per_second) {}

    // The SHA-256 of the bearer token. Throws Problem: 401 without exactly one well-formed token, 429 for an address that
    // has guessed wrong ten times (then once a second).
    std::string token_hash_of(const runtime::HttpRequest& request, runtime::Instant now);
    void note_wrong_token(const std::string& address, runtime::Instant now);
    // Throws Problem 429 when this token has used up its rate.
    void admit(const std::string& token_hash, runtime::Instant now);

private:
    using Buckets = std::map<std::string, runtime::TokenBucket>;
    static runtime::TokenBucket& bucket_of(
        Buckets& buckets,
        const std::string& key,
        double capacity,
        double per_second,
        runtime::Instant now);

    const double requests_per_second_;
    std::mutex mutex_;
    Buckets guesses_;   // by address; guarded by mutex_
    Buckets requests_;  // by token hash; guarded by mutex_
};

}  // namespace ordersaga::api
