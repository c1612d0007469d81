#include "orchestrator/api/gate.hpp"

#include "orchestrator/api/problem.hpp"
#include "runtime/crypto.hpp"

#include <algorithm>

namespace ordersaga::api {

namespace {

constexpr double free_guesses = 10;
constexpr std::size_t most_buckets = 10'000;  // then all are forgotten: memory stays bounded

}  // namespace

runtime::TokenBucket& Gate::bucket_of(
    Buckets& buckets,
    const std::string& key,
    double capacity,
    double per_second,
    runtime::Instant now) {
    if (buckets.size() >= most_buckets && !buckets.contains(key)) buckets.clear();
    return buckets.try_emplace(key, capacity, per_second, now).first->second;
}

std::string Gate::token_hash_of(const runtime::HttpRequest& request, runtime::Instant now) {
    constexpr std::string_view scheme = "Bearer ";
    const std::string* header = request.header("authorization");
    if (header == nullptr || request.header_count("authorization") != 1 || !header->starts_with(scheme)) {
        throw Problem(401, "a bearer token is required");
    }
    const std::string_view token = std::string_view(*header).substr(scheme.size());
    const bool plain = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (token.empty() || token.size() > 200 || !plain) throw Problem(401, "a bearer token is required");
    std::string hash = runtime::sha256_hex(token);

    const std::lock_guard lock(mutex_);
    const auto guesses = guesses_.find(request.remote_address);
    const bool guessing = guesses != guesses_.end() && guesses->second.available(now) < 1;
    // Whoever was let in before is not shut out by a neighbour's guesses.
    if (guessing && !requests_.contains(hash)) throw Problem(429, "too many wrong tokens from this address");
    return hash;
}

void Gate::note_wrong_token(const std::string& address, runtime::Instant now) {
    const std::lock_guard lock(mutex_);
    bucket_of(guesses_, address, free_guesses, 1, now).try_take(1, now);
}

void Gate::admit(const std::string& token_hash, runtime::Instant now) {
    const std::lock_guard lock(mutex_);
    if (!bucket_of(requests_, token_hash, 2 * requests_per_second_, requests_per_second_, now).try_take(1, now)) {
        throw Problem(429, "this token asks too often");
    }
}

}  // namespace ordersaga::api
