#pragma once

// Publishes with confirms in a sliding window over a connection and a thread of its own. Any number of threads hand in
// messages without blocking; the result of each message comes back exactly once, in batches, on the publisher's thread.
//
// At least once: after `unknown` (and after nacked, returned, not_sent) the caller publishes the same message again
// under the same message id when it wants to; the publisher never repeats a message by itself.
// Outages are its own business: it reconnects with jitter, declares the topology again and goes on.

#include "broker/address.hpp"
#include "broker/health.hpp"
#include "broker/publish_result.hpp"
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

struct Message {
    std::string exchange;
    std::string routing_key;
    std::string message_id;  // unique per message, the same on a repeat
    std::string body;        // an encoded envelope
    std::string traceparent;
    /// Without it a message that no queue wants is confirmed and gone: right for public events only.
    bool mandatory = true;
    /// The caller's own mark, given back in the result.
    std::uint64_t tag = 0;
};

struct PublisherOptions {
    std::string connection_name = "ordersaga-publisher";
    /// Declared on every connect; leave empty to assume that it exists.
    std::optional<Topology> topology;
    /// Messages written and not yet confirmed. 256 and 1024 measured the same rate; 64 a third less.
    std::size_t window = 512;
    /// Messages accepted and not yet written; beyond it try_publish says no and the rows stay where they are.
    std::size_t buffer = 4096;
    /// From try_publish to a result, whatever the broker does; only an attempt to connect that hangs can add its own
    /// timeout to it.
    std::chrono::milliseconds deadline{10'000};
    std::chrono::seconds heartbeat{10};
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds reconnect_first{100};
    /// A broker that is back is found within this: full jitter below it, so half of it on average.
    std::chrono::milliseconds reconnect_cap{2'000};
};

class Publisher {
public:
    /// Runs on the publisher's thread: must be quick and must not throw. It may call try_publish, never stop.
    using OnResults = std::function<void(std::vector<PublishResult>)>;

    /// Starts the thread; does not wait for the connection.
    Publisher(Address address, PublisherOptions options, OnResults on_results);
    ~Publisher();  // stop() with no time to drain
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

    /// False when the buffer is full or the publisher stops: nothing was taken, no result will come.
    /// Thread-safe, never blocks on the network.
    bool try_publish(Message message);

    /// Takes as many from the front as fit, in order, moving them out; returns how many. The rest is untouched.
    std::size_t try_publish(std::vector<Message>& messages);

    Health health() const;

    /// Waits until connected; false if that did not happen in time. For start-up and tests.
    bool wait_until_connected(std::chrono::milliseconds patience) const;

    /// Takes nothing new, waits up to `drain` for what is under way, closes. Every message has its result when this
    /// returns. A repeat does nothing. Not from on_results.
    void stop(std::chrono::milliseconds drain = std::chrono::seconds(5));

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::broker
