#include "broker/topology.hpp"

#include "runtime/planted.hpp"

#include <utility>

namespace ordersaga::broker {
namespace {

// What every queue shares: replicated and durable, bounded, refusing when full, and dead letters that are handed over
// only when the dead letter queue confirmed them. at-least-once silently becomes at-most-once without reject-publish.
std::vector<Argument> queue_arguments(const Names& names, const TopologyOptions& options) {
    const std::string strategy = runtime::planted("dead_letters_at_most_once") ? "at-most-once" : "at-least-once";
    return {
        {"x-queue-type", std::string("quorum")},           {"x-delivery-limit", std::int64_t{options.delivery_limit}},
        {"x-dead-letter-exchange", names.dead_exchange()}, {"x-dead-letter-strategy", strategy},
        {"x-overflow", std::string("reject-publish")},     {"x-max-length", options.max_length},
        {"x-max-length-bytes", options.max_length_bytes},
    };
}

// Dead letters stay until a person takes them. The delivery limit is explicit because RabbitMQ 4 has one by default,
// after which it would drop what nobody managed to read.
std::vector<Argument> dead_queue_arguments(const TopologyOptions& options) {
    return {
        {"x-queue-type", std::string("quorum")},          {"x-delivery-limit", std::int64_t{1'000'000}},
        {"x-overflow", std::string("reject-publish")},    {"x-max-length", options.max_length},
        {"x-max-length-bytes", options.max_length_bytes},
    };
}

}  // namespace

Names::Names(std::string prefix) : prefix_(std::move(prefix)) {}

std::string Names::commands_exchange() const {
    return prefix_ + "ordersaga.commands";
}
std::string Names::outcomes_exchange() const {
    return prefix_ + "ordersaga.outcomes";
}
std::string Names::events_exchange() const {
    return prefix_ + "ordersaga.events";
}
std::string Names::dead_exchange() const {
    return prefix_ + "ordersaga.dead";
}
std::string Names::command_queue(std::string_view family) const {
    return prefix_ + "ordersaga." + std::string(family);
}
std::string Names::event_queue(std::string_view listener) const {
    return prefix_ + "ordersaga." + std::string(listener);
}
std::string Names::outcome_queue(int shard) const {
    return prefix_ + "ordersaga.outcomes." + std::to_string(shard);
}
std::string Names::dead_queue() const {
    return prefix_ + "ordersaga.dead";
}

std::string outcome_routing_key(int shard) {
    return "outcome." + std::to_string(shard);
}

Topology make_topology(const TopologyOptions& options) {
    const Names names(options.prefix);
    Topology topology;
    topology.exchanges = {{names.dead_exchange(), "topic"}, {names.events_exchange(), "topic"}};
    // Who only listens to events needs no right to anything else.
    if (!options.command_families.empty()) topology.exchanges.push_back({names.commands_exchange(), "topic"});
    if (options.outcome_shards > 0) topology.exchanges.push_back({names.outcomes_exchange(), "topic"});

    // Dead letters first, so that nothing can die before there is a place for it.
    topology.queues.push_back({names.dead_queue(), dead_queue_arguments(options)});
    topology.bindings.push_back({names.dead_queue(), names.dead_exchange(), "#"});

    for (const auto& family : options.command_families) {
        topology.queues.push_back({names.command_queue(family), queue_arguments(names, options)});
        topology.bindings.push_back({names.command_queue(family), names.commands_exchange(), family + ".#"});
    }
    for (int shard = 0; options.outcome_queues && shard < options.outcome_shards; ++shard) {
        auto arguments = queue_arguments(names, options);
        arguments.push_back({"x-single-active-consumer", true});
        topology.queues.push_back({names.outcome_queue(shard), std::move(arguments)});
        topology.bindings.push_back(
            {names.outcome_queue(shard), names.outcomes_exchange(), outcome_routing_key(shard)});
    }
    for (const EventQueue& queue : options.event_queues) {
        topology.queues.push_back({names.event_queue(queue.listener), queue_arguments(names, options)});
        for (const std::string& key : queue.routing_keys) {
            topology.bindings.push_back({names.event_queue(queue.listener), names.events_exchange(), key});
        }
    }
    return topology;
}

}  // namespace ordersaga::broker
