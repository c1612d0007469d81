// Which call is spoiled, and how. Seeded, switchable while running, counted by kind.
//
// Pure: the shell asks draw() for each call of a peer and does what the fault says. Rates are per peer kind
// ("shopify", "shipbob"), so that all stores misbehave alike. Single-threaded.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/random.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace ordersaga::sandbox {

enum class FaultKind {
    none,
    throttled,      // refused before anything happened: 429, or THROTTLED in a 200
    error_before,   // 5xx and nothing happened
    error_after,    // applied, then 5xx
    slow,           // applied and answered late
    timeout_after,  // applied, then silence until the caller gives up
    reset_before,   // connection reset, nothing happened
    reset_after,    // applied, then connection reset
    garbage,        // applied, then bytes that are no answer
    turned_away,    // 503 with a Retry-After that is odd or nonsense, nothing happened
    error_inside,   // a 200 that holds an error, a login page or nothing, nothing happened
    outage,         // the peer is away: reset or 503, nothing happened
};

[[nodiscard]] std::string name_of(FaultKind kind);

struct FaultRates {
    double throttled = 0;
    double error_before = 0;
    double error_after = 0;
    double slow = 0;
    double timeout_after = 0;
    double reset_before = 0;
    double reset_after = 0;
    double garbage = 0;
    double turned_away = 0;
    double error_inside = 0;
    std::chrono::milliseconds slow_for{1500};
    std::chrono::milliseconds hold_for{30000};  // longest silence of timeout_after
};

// How deliveries of webhooks misbehave; one setting for all stores, one for all warehouses.
struct DeliveryFaults {
    double duplicated = 0;
    double reordered = 0;
    double dropped = 0;
    std::chrono::milliseconds reorder_delay{1500};  // an upper bound, the delay is drawn below it
};

class FaultDial {
public:
    explicit FaultDial(std::uint64_t seed) : random_(seed) {}

    void set_rates(const std::string& peer_kind, const FaultRates& rates) { rates_[peer_kind] = rates; }
    [[nodiscard]] FaultRates rates(const std::string& peer_kind) const;

    // From now on and until `until` every call of this kind of peer fails: reset, or 503 when `answers_503`.
    void begin_outage(const std::string& peer_kind, runtime::Instant until, bool answers_503);
    [[nodiscard]] bool is_out(const std::string& peer_kind, runtime::Instant now) const;
    [[nodiscard]] bool outage_answers_503(const std::string& peer_kind) const;

    // Draws for one call and counts what it drew. timeout_after and error_after are drawn for reads too: the reader
    // cannot know.
    FaultKind draw(const std::string& peer_kind, runtime::Instant now);

    [[nodiscard]] const std::map<std::string, std::map<std::string, std::int64_t>>& injected() const {
        return injected_;
    }
    void clear_counts() { injected_.clear(); }

private:
    struct Outage {
        runtime::Instant until;
        bool answers_503 = false;
    };

    runtime::SeededRandom random_;
    std::map<std::string, FaultRates> rates_;
    std::map<std::string, Outage> outages_;
    std::map<std::string, std::map<std::string, std::int64_t>> injected_;
};

}  // namespace ordersaga::sandbox
