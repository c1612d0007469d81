// The deliveries of webhooks that are under way: when each is due, what spoils it, when it is tried again.
//
// Pure and single-threaded: the shell takes what is due, sends it, and reports the answer. A redelivery carries the
// ORIGINAL body and delivery id, as Shopify does; after the last try the delivery is given up and counted.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/random.hpp"
#include "sandbox/faults.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct Delivery {
    std::int64_t number = 0;  // set by the queue
    std::string sender;       // the store's domain or the warehouse's name, for counting
    std::string topic;
    std::string url;
    HeaderList headers;  // complete, signature included
    std::string body;
    int tries = 0;  // finished ones
};

struct RetrySchedule {
    std::chrono::milliseconds first{500};
    double factor = 2.0;
    std::chrono::milliseconds longest{30000};
    int tries_max = 9;  // the first and eight redeliveries
};

struct DeliveryCounts {
    std::int64_t sent = 0;         // different deliveries handed to the wire or dropped on the way to it
    std::int64_t duplicated = 0;   // further copies of a delivery
    std::int64_t reordered = 0;    // held back so that later ones overtake
    std::int64_t dropped = 0;      // never sent at all
    std::int64_t redelivered = 0;  // tries after a failed one
    std::int64_t accepted = 0;     // answered 2xx
    std::int64_t given_up = 0;
};

class WebhookQueue {
public:
    WebhookQueue(std::uint64_t seed, RetrySchedule schedule) : random_(seed), schedule_(schedule) {}

    // Queues a delivery; `faults` decide here and now whether it is dropped, doubled or delayed.
    // `second_headers` are used for a duplicate: Shopify's copies come with the same or with another delivery id.
    void add(Delivery delivery, const HeaderList& second_headers, const DeliveryFaults& faults, runtime::Instant now);

    // Takes what is due, in order of due time, at most `limit`. Taken deliveries are in flight until reported.
    std::vector<Delivery> take_due(runtime::Instant now, std::size_t limit);
    [[nodiscard]] std::optional<runtime::Instant> next_due() const;

    // The answer of one try. Success is a 2xx within the sender's patience.
    void finished(Delivery delivery, bool success, runtime::Instant now);

    void set_schedule(RetrySchedule schedule) { schedule_ = schedule; }
    [[nodiscard]] RetrySchedule schedule() const { return schedule_; }
    [[nodiscard]] const std::map<std::string, DeliveryCounts>& counts() const { return counts_; }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
    [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
    void clear();

private:
    runtime::SeededRandom random_;
    RetrySchedule schedule_;
    std::int64_t last_number_ = 0;
    std::size_t in_flight_ = 0;
    // Ordered by due time, then by arrival: without faults the order of events is the order of deliveries.
    std::map<std::pair<runtime::Instant, std::int64_t>, Delivery> waiting_;
    std::map<std::string, DeliveryCounts> counts_;
};

}  // namespace ordersaga::sandbox
