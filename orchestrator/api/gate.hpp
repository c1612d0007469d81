// Who may come in, how often, and for what: the rules of every route are kept here and nowhere else. Tokens and sessions lead
// to the same Principal. Guesses are slowed down per address, everybody per address and per token or session. Thread-safe.
#pragma once

#include "orchestrator/api/routes.hpp"
#include "runtime/clock.hpp"
#include "runtime/http_server.hpp"
#include "runtime/token_bucket.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::api {

inline constexpr std::string_view session_cookie = "ordersaga_session";

struct GateOptions {
    // Per token or session, with a burst of twice as many; an address gets four times that.
    double requests_per_second = 50;
    std::vector<std::string> hosts;  // names that a request may call us by, besides this machine's own (loopback)
};

// What a request shows: only the hash of the secret goes further.
struct Credential {
    enum class Kind { token, session } kind = Kind::token;
    std::string hash;        // SHA-256, hexadecimal
    std::string csrf_token;  // of a session: what commands must carry in X-CSRF-Token
};

class Gate {
public:
    explicit Gate(GateOptions options) : options_(std::move(options)) {}

    // Throws Problem 421 when the request is not meant for us: a page of a stranger whose name was made to lead here.
    void require_known_host(const runtime::HttpRequest& request) const;
    // Throws Problem 429 when this address asks too often.
    void admit_address(const std::string& address, runtime::Instant now);

    // The bearer token or, without one, the session's cookie. Throws Problem: 401 without exactly one that is well-formed, 429
    // for a token of an address that has guessed wrong ten times (then once a second).
    Credential credential_of(const runtime::HttpRequest& request, runtime::Instant now);
    // Throws Problem 429 for such an address.
    void require_no_guessing(const std::string& address, runtime::Instant now);
    void note_wrong_guess(const std::string& address, runtime::Instant now);

    // The RateLimit fields of the answer. Only for who is known: made-up ids must not crowd the others out. Throws Problem 429 when this token or session has used up its rate.
    runtime::HttpHeaders admit(const std::string& credential_hash, runtime::Instant now);

    // Throws Problem 403 when the role or the CSRF token does not fit. Sets the merchant: the only one, or the one that
    // `merchant` in the query names; 404 for one that is not his, 400 when he must name one.
    static void authorize(
        Principal& who,
        const Credential& credential,
        const Route& route,
        const runtime::HttpRequest& request);
    // Throws Problem 403 unless the request carries the session's CSRF token.
    static void require_csrf_token(const Credential& credential, const runtime::HttpRequest& request);

private:
    using Buckets = std::map<std::string, runtime::TokenBucket>;
    static runtime::TokenBucket& bucket_of(
        Buckets& buckets,
        const std::string& key,
        double capacity,
        double per_second,
        runtime::Instant now);
    bool is_guessing(const std::string& address, runtime::Instant now) const;

    const GateOptions options_;
    std::mutex mutex_;
    Buckets guesses_;    // by address; guarded by mutex_
    Buckets addresses_;  // by address; guarded by mutex_
    Buckets requests_;   // by hash of token or session; guarded by mutex_
};

// Of a session's id; a page can only have it from the sign-in's answer.
std::string csrf_token_of(std::string_view session_id);

}  // namespace ordersaga::api
