#include "orchestrator/api/gate.hpp"

#include "orchestrator/api/problem.hpp"
#include "runtime/crypto.hpp"
#include "runtime/text.hpp"
#include "runtime/url.hpp"

#include <algorithm>
#include <cmath>

namespace ordersaga::api {

namespace {

constexpr double free_guesses = 10;
constexpr double address_share = 4;
constexpr std::size_t most_buckets = 10'000;  // then all are forgotten: memory stays bounded

using runtime::HttpRequest;
using runtime::Instant;
using runtime::TokenBucket;

std::chrono::seconds whole_seconds(runtime::Duration wait) {
    return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(wait));
}

// "Name:8081" as "name", "[::1]:8081" as "::1".
std::string host_without_port(std::string_view text) {
    std::string_view host = text;
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        host = end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
    } else {
        host = host.substr(0, host.find(':'));
    }
    return runtime::lower(host);
}

std::optional<std::string> bearer_token_of(const HttpRequest& request) {
    constexpr std::string_view scheme = "Bearer ";
    const std::string* header = request.header("authorization");
    if (request.header_count("authorization") != 1 || !header->starts_with(scheme)) return std::nullopt;
    const std::string_view token = std::string_view(*header).substr(scheme.size());
    const bool plain = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (token.empty() || token.size() > 200 || !plain) return std::nullopt;
    return std::string(token);
}

// Two cookies of our name: somebody planted one, and we cannot tell which.
std::optional<std::string> session_id_of(const HttpRequest& request) {
    if (request.header_count("cookie") != 1) return std::nullopt;
    std::optional<std::string> id;
    std::string_view rest = *request.header("cookie");
    while (!rest.empty()) {
        std::string_view pair = rest.substr(0, rest.find(';'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
        const std::size_t middle = pair.find('=');
        if (middle == std::string_view::npos || pair.substr(0, middle) != session_cookie) continue;
        if (id) return std::nullopt;
        id = pair.substr(middle + 1);
    }
    const auto is_digit = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    };
    if (!id || id->size() != 64 || !std::all_of(id->begin(), id->end(), is_digit)) return std::nullopt;
    return id;
}

}  // namespace

std::string csrf_token_of(std::string_view session_id) {
    return runtime::to_hex(runtime::hmac_sha256(session_id, "csrf token"));
}

TokenBucket& Gate::bucket_of(
    Buckets& buckets,
    const std::string& key,
    double capacity,
    double per_second,
    Instant now) {
    if (buckets.size() >= most_buckets && !buckets.contains(key)) buckets.clear();
    return buckets.try_emplace(key, capacity, per_second, now).first->second;
}

void Gate::require_known_host(const HttpRequest& request) const {
    const std::string* header = request.header("host");
    const std::string host = header == nullptr ? std::string() : host_without_port(*header);
    const bool known = runtime::is_loopback_host(host) ||
                       std::any_of(options_.hosts.begin(), options_.hosts.end(), [&](const std::string& name) {
                           return host_without_port(name) == host;
                       });
    if (host.empty() || !known)
        throw Problem(421, "this host name is not served here; [private] hosts lists those that are");
}

void Gate::admit_address(const std::string& address, Instant now) {
    const double per_second = address_share * options_.requests_per_second;
    const std::lock_guard lock(mutex_);
    TokenBucket& bucket = bucket_of(addresses_, address, 2 * per_second, per_second, now);
    if (!bucket.try_take(1, now))
        throw Problem(429, "this address asks too often", whole_seconds(bucket.wait_for(1, now)));
}

Credential Gate::credential_of(const HttpRequest& request, Instant now) {
    if (request.header_count("authorization") == 0) {
        const std::optional<std::string> id = session_id_of(request);
        if (!id) throw Problem(401, "a bearer token or a session is required");
        return {Credential::Kind::session, runtime::sha256_hex(*id), csrf_token_of(*id)};
    }
    const std::optional<std::string> token = bearer_token_of(request);
    if (!token) throw Problem(401, "a bearer token or a session is required");
    Credential credential{Credential::Kind::token, runtime::sha256_hex(*token), {}};

    const std::lock_guard lock(mutex_);
    // Whoever was let in before is not shut out by a neighbour's guesses.
    if (is_guessing(request.remote_address, now) && !requests_.contains(credential.hash))
        throw Problem(429, "too many wrong guesses from this address");
    return credential;
}

bool Gate::is_guessing(const std::string& address, Instant now) const {
    const auto guesses = guesses_.find(address);
    return guesses != guesses_.end() && guesses->second.available(now) < 1;
}

void Gate::require_no_guessing(const std::string& address, Instant now) {
    const std::lock_guard lock(mutex_);
    if (is_guessing(address, now)) throw Problem(429, "too many wrong guesses from this address");
}

void Gate::note_wrong_guess(const std::string& address, Instant now) {
    const std::lock_guard lock(mutex_);
    bucket_of(guesses_, address, free_guesses, 1, now).try_take(1, now);
}

runtime::HttpHeaders Gate::admit(const std::string& credential_hash, Instant now) {
    const double burst = 2 * options_.requests_per_second;
    const std::lock_guard lock(mutex_);
    TokenBucket& bucket = bucket_of(requests_, credential_hash, burst, options_.requests_per_second, now);
    if (!bucket.try_take(1, now))
        throw Problem(429, "this token or session asks too often", whole_seconds(bucket.wait_for(1, now)));
    const double left = bucket.available(now);
    const auto number = [](double value) {
        return std::to_string(static_cast<std::int64_t>(value));
    };
    return {
        {"RateLimit-Policy", "\"caller\";q=" + number(burst) + ";w=2"},
        {"RateLimit",
         "\"caller\";r=" + number(left) + ";t=" + number(std::ceil((burst - left) / options_.requests_per_second))},
    };
}

void Gate::require_csrf_token(const Credential& credential, const HttpRequest& request) {
    const std::string* token = request.header("x-csrf-token");
    if (request.header_count("x-csrf-token") != 1 || !runtime::constant_time_equal(*token, credential.csrf_token))
        throw Problem(403, "X-CSRF-Token must hold the csrf_token of this session");
}

void Gate::authorize(Principal& who, const Credential& credential, const Route& route, const HttpRequest& request) {
    if (who.role < route.role) throw Problem(403, "this role may not do that");
    if (credential.kind == Credential::Kind::session && route.method != "GET") require_csrf_token(credential, request);
    const std::string* wanted = request.query_value("merchant");
    if (wanted == nullptr) {
        if (who.merchants.size() != 1)
            throw Problem(400, "there are several merchants: name one of them with ?merchant=");
        who.merchant = who.merchants.front().id;
        return;
    }
    const auto found = std::find_if(who.merchants.begin(), who.merchants.end(), [&](const MerchantName& merchant) {
        return merchant.name == *wanted;
    });
    if (found == who.merchants.end()) throw Problem(404, "there is no such merchant");
    who.merchant = found->id;
}

}  // namespace ordersaga::api
