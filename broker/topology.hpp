#pragma once

// Every exchange, queue and binding of the system as one readable list (make_topology), and its declaration at the
// broker. Names carry an optional prefix so that tests and several systems can share one broker. Values; any thread.

#include "broker/address.hpp"
#include "runtime/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ordersaga::broker {

/// Names on the broker. With an empty prefix: "ordersaga.commands" and so on.
class Names {
public:
    explicit Names(std::string prefix = {});

    std::string commands_exchange() const;  // topic; routing key <family>.<activity>[.<more>]
    std::string outcomes_exchange() const;  // topic; routing key outcome.<shard>
    std::string events_exchange() const;    // topic; public: orders.*, inventory.* (publish with mandatory = false)
    std::string dead_exchange() const;
    std::string command_queue(std::string_view family) const;  // "shopify" -> "ordersaga.shopify"
    std::string event_queue(std::string_view listener) const;  // "notifier.orders" -> "ordersaga.notifier.orders"
    std::string outcome_queue(int shard) const;                // "ordersaga.outcomes.3"
    std::string dead_queue() const;

    const std::string& prefix() const { return prefix_; }

private:
    std::string prefix_;
};

/// Routing key of a shard of outcomes: "outcome.3". Not prefixed: the exchange is.
std::string outcome_routing_key(int shard);

/// A queue of somebody who listens to the public events.
struct EventQueue {
    std::string listener;
    std::vector<std::string> routing_keys;
};

struct TopologyOptions {
    std::string prefix = {};
    int outcome_shards = 8;
    /// False for who only publishes outcomes: their queues are their reader's to declare, and no login but his reaches them.
    bool outcome_queues = true;
    std::vector<std::string> command_families = {"shopify", "warehouse"};
    /// Declared by the listener alone: a queue that nobody empties fills up and then holds up all events.
    std::vector<EventQueue> event_queues = {};
    /// After this many failed deliveries a message goes to the dead letters.
    int delivery_limit = 20;
    /// Bounds of every queue; a full queue refuses (nack), it never drops.
    std::int64_t max_length = 200'000;
    std::int64_t max_length_bytes = 512LL * 1024 * 1024;
};

using ArgumentValue = std::variant<bool, std::int64_t, std::string>;

struct Argument {
    std::string name;
    ArgumentValue value;
    friend bool operator==(const Argument&, const Argument&) = default;
};

struct Exchange {
    std::string name;
    std::string type;  // all are "topic"; all are durable
};

struct Queue {
    std::string name;
    std::vector<Argument> arguments;  // all queues are durable, not exclusive, not auto-deleted
};

struct Binding {
    std::string queue;
    std::string exchange;
    std::string routing_key;
};

struct Topology {
    std::vector<Exchange> exchanges;
    std::vector<Queue> queues;
    std::vector<Binding> bindings;
};

/// The list. Pure.
Topology make_topology(const TopologyOptions& options);

/// Declares everything over a connection of its own; safe to repeat, and every publisher and consumer that was given
/// the topology repeats it after each reconnect. Blocks up to about 10 s. Errors say what to do: a name that exists
/// with other arguments (406), a missing right (403), a missing vhost (404/530), a broker that cannot be reached.
runtime::Result<void> declare_topology(const Address& address, const Topology& topology);

/// Deletes every queue and exchange of the list WITH their messages: for tests and for giving up a prefix. Names that
/// do not exist are no error.
runtime::Result<void> delete_topology(const Address& address, const Topology& topology);

}  // namespace ordersaga::broker
