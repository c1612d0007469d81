#pragma once

// One AMQP connection, used by one thread; only interrupt() may be called from another. The only place that knows
// the client library. What the broker sends comes out of read() as values; nothing here points into library memory.
//
// An Error of a channel's call means that the channel is closed when alive() is still true, and that the whole
// connection is lost when it is not. Internal to broker/.

#include "broker/address.hpp"
#include "broker/consumer.hpp"
#include "broker/inspect.hpp"
#include "broker/publisher.hpp"
#include "broker/topology.hpp"
#include "runtime/error.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ordersaga::broker {

using ChannelNumber = std::uint16_t;

struct ConfirmArrived {
    std::uint64_t sequence = 0;
    bool multiple = false;
    bool positive = true;
};
struct ReturnArrived {
    std::string message_id;
    std::string reason;
};
struct DeliveryArrived {
    ChannelNumber channel = 0;
    bool oversize = false;  // the body was dropped
    Delivery delivery;      // handle.sequence is set, handle.generation and queue are not
};
struct ConsumerCancelled {
    ChannelNumber channel = 0;
};
struct ChannelClosed {
    ChannelNumber channel = 0;
    std::string reason;
};
struct PublishingBlocked {
    std::string reason;
};
struct PublishingUnblocked {};

using Arrival = std::variant<
    ConfirmArrived,
    ReturnArrived,
    DeliveryArrived,
    ConsumerCancelled,
    ChannelClosed,
    PublishingBlocked,
    PublishingUnblocked>;

struct ConnectionOptions {
    std::string name;
    std::chrono::seconds heartbeat{10};
    std::chrono::milliseconds connect_timeout{5'000};
    /// Bounds every call that waits for an answer.
    std::chrono::milliseconds answer_timeout{10'000};
    /// Bytes that the broker does not take for so long break the connection (TCP_USER_TIMEOUT).
    std::chrono::milliseconds write_timeout{10'000};
    /// Larger bodies are received but not kept.
    std::size_t body_limit = 256 * 1024;
};

class Connection {
public:
    Connection(const Address& address, const ConnectionOptions& options);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Once: connects, checks the certificate where there is one, logs in. Blocks for up to twice connect_timeout.
    runtime::Result<void> open();

    bool alive() const;
    int socket() const;
    /// How long the owner may sleep before it has to call read() so that heartbeats are sent in time.
    std::chrono::milliseconds heartbeat_pause() const;

    /// Takes up to about `limit` arrivals without waiting. An error means that the connection is lost. `drained` in the
    /// result is false when more may be there already.
    struct ReadResult {
        bool drained = true;
    };
    runtime::Result<ReadResult> read(std::vector<Arrival>& arrivals, std::size_t limit);

    runtime::Result<void> open_channel(ChannelNumber channel);
    void close_channel(ChannelNumber channel);
    runtime::Result<void> enable_confirms(ChannelNumber channel);
    runtime::Result<void> set_prefetch(ChannelNumber channel, std::uint16_t prefetch);

    runtime::Result<void> declare(ChannelNumber channel, const Exchange& exchange);
    runtime::Result<void> declare(ChannelNumber channel, const Queue& queue);
    /// What is there, changing nothing. Not found: there is no such queue; the channel is closed then.
    runtime::Result<QueueState> look_at_queue(ChannelNumber channel, const std::string& name);
    runtime::Result<void> bind(ChannelNumber channel, const Binding& binding);
    runtime::Result<void> delete_queue(ChannelNumber channel, const std::string& name);
    runtime::Result<void> delete_exchange(ChannelNumber channel, const std::string& name);

    runtime::Result<void> publish(ChannelNumber channel, const Message& message);
    /// One consumer per channel; its tag is always "c".
    runtime::Result<void> consume(ChannelNumber channel, const std::string& queue);
    runtime::Result<void> cancel(ChannelNumber channel);
    runtime::Result<void> ack(ChannelNumber channel, std::uint64_t sequence, bool multiple);
    runtime::Result<void> reject(ChannelNumber channel, std::uint64_t sequence, bool requeue);

    /// Any thread: breaks the connection, so that a call that waits in it, open() included, returns with an error.
    void interrupt() noexcept;
    /// Says goodbye, waiting a second at most. The connection is not alive afterwards.
    void close();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::broker
