#pragma once

// Consumes one or more queues over a connection and a thread of its own and hands over whatever has arrived, as one
// batch. Nothing is acked by itself: ack after the result is committed. Every delivery can come again.
// Connection, channel (one per queue) and subscription are each rebuilt with jitter when they break.

#include "broker/address.hpp"
#include "broker/health.hpp"
#include "broker/topology.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::broker {

/// Names one delivery on one channel's life. When that channel is gone the broker delivers the message again under
/// another handle, and settling the old one does nothing.
struct DeliveryHandle {
    std::uint64_t generation = 0;
    std::uint64_t sequence = 0;
    friend bool operator==(const DeliveryHandle&, const DeliveryHandle&) = default;
};

struct Delivery {
    DeliveryHandle handle;
    std::string queue;
    std::string exchange;
    std::string routing_key;
    std::string message_id;
    std::string traceparent;
    std::string body;
    bool redelivered = false;
    /// Failed deliveries before this one as the broker counts them (x-delivery-count).
    std::int64_t delivery_count = 0;
    /// Set on dead letters: where it died first and why ("rejected", "delivery_limit", ...).
    std::string death_queue;
    std::string death_reason;
};

struct ConsumerOptions {
    std::string connection_name = "ordersaga-consumer";
    /// Declared on every connect; leave empty to assume that it exists.
    std::optional<Topology> topology;
    /// Queues to consume from the start; see subscribe.
    std::vector<std::string> queues;
    /// Unacked messages per queue: the bound of what the handler can have on its hands.
    std::uint16_t prefetch = 256;
    std::size_t batch_limit = 512;
    /// Acks wait so long for others, or until they are a quarter of the prefetch: a quorum queue writes each one it is sent.
    std::chrono::milliseconds gather_acks{20};
    /// A message larger than this is rejected to the dead letters unseen.
    std::size_t body_limit = 256 * 1024;
    std::chrono::seconds heartbeat{10};
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds reconnect_first{100};
    /// A broker that is back is found within this: full jitter below it, so half of it on average.
    std::chrono::milliseconds reconnect_cap{2'000};
    /// How often the broker is asked whether we still consume (see Health::probed_at). A subscription that it does not know
    /// is made again; a broker that does not answer is left.
    std::chrono::milliseconds probe_every{2'000};
};

class Consumer {
public:
    /// Runs on the consumer's thread: should only enqueue. It may call ack and reject, never stop. Must not throw.
    using OnDeliveries = std::function<void(std::vector<Delivery>)>;

    /// Starts the thread; does not wait for the connection.
    Consumer(Address address, ConsumerOptions options, OnDeliveries on_deliveries);
    ~Consumer();  // stop() with no time to drain
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;

    /// Done with it. Thread-safe, does not wait; acks are merged where that is correct. Unknown and settled handles
    /// are ignored. An ack may be lost with the connection: then the message comes again.
    void ack(DeliveryHandle handle);
    void ack(std::vector<DeliveryHandle> handles);

    /// Without requeue it goes to the dead letters; with requeue it comes again and counts against the delivery limit.
    void reject(DeliveryHandle handle, bool requeue);

    /// Adds or removes a queue while running (shards change owner). Safe to repeat. After unsubscribe nothing new is
    /// taken; what was delivered can still be acked for `unsubscribe_drain`, then the broker gives it to another.
    void subscribe(std::string queue);
    void unsubscribe(std::string queue);

    Health health() const;

    /// Waits until every wanted queue is being consumed; false if that did not happen in time.
    bool wait_until_consuming(std::chrono::milliseconds patience) const;

    /// Cancels the subscriptions, waits up to `drain` for acks of what was delivered, closes; the rest is redelivered.
    /// A repeat does nothing. Not from on_deliveries.
    void stop(std::chrono::milliseconds drain = std::chrono::seconds(5));

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

inline constexpr std::chrono::seconds unsubscribe_drain{30};

}  // namespace ordersaga::broker
