#include "broker/topology.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace ordersaga::broker {
namespace {

const ArgumentValue* find_argument(const Queue& queue, const std::string& name) {
    for (const auto& argument : queue.arguments) {
        if (argument.name == name) return &argument.value;
    }
    return nullptr;
}

const Queue* find_queue(const Topology& topology, const std::string& name) {
    const auto found = std::find_if(
        topology.queues.begin(), topology.queues.end(), [&](const Queue& queue) { return queue.name == name; });
    return found == topology.queues.end() ? nullptr : &*found;
}

TEST(Topology, NamesExchangesQueuesAndBindings) {
    const auto topology = make_topology({.outcome_shards = 2});

    std::set<std::string> exchanges;
    for (const auto& exchange : topology.exchanges) {
        exchanges.insert(exchange.name);
        EXPECT_EQ(exchange.type, "topic");
    }
    EXPECT_EQ(
        exchanges,
        (std::set<std::string>{"ordersaga.commands", "ordersaga.outcomes", "ordersaga.events", "ordersaga.dead"}));
    std::set<std::string> bindings;
    for (const auto& binding : topology.bindings) {
        bindings.insert(binding.exchange + " " + binding.routing_key + " > " + binding.queue);
    }
    EXPECT_EQ(
        bindings, (std::set<std::string>{
                      "ordersaga.dead # > ordersaga.dead", "ordersaga.commands shopify.# > ordersaga.shopify",
                      "ordersaga.commands warehouse.# > ordersaga.warehouse",
                      "ordersaga.outcomes outcome.0 > ordersaga.outcomes.0",
                      "ordersaga.outcomes outcome.1 > ordersaga.outcomes.1"}));
    EXPECT_EQ(outcome_routing_key(1), "outcome.1");
}

// Each of these arguments prevents a silent loss, and some only work together.
TEST(Topology, NoQueueLosesAMessageSilently) {
    const auto topology = make_topology({});

    for (const auto& queue : topology.queues) {
        const auto has = [&](const char* name, const ArgumentValue& value) {
            const auto* argument = find_argument(queue, name);
            ASSERT_NE(argument, nullptr) << queue.name << " lacks " << name;
            EXPECT_EQ(*argument, value) << queue.name << " " << name;
        };
        has("x-queue-type", std::string("quorum"));
        has("x-overflow", std::string("reject-publish"));
        EXPECT_NE(find_argument(queue, "x-max-length"), nullptr);
        EXPECT_NE(find_argument(queue, "x-max-length-bytes"), nullptr);
        if (queue.name == "ordersaga.dead") {
            EXPECT_EQ(find_argument(queue, "x-dead-letter-exchange"), nullptr) << "dead letters would circle";
            continue;
        }
        has("x-delivery-limit", std::int64_t{20});
        has("x-dead-letter-exchange", std::string("ordersaga.dead"));
        has("x-dead-letter-strategy", std::string("at-least-once"));
    }
}

TEST(Topology, OnlyOutcomeShardsHaveASingleActiveConsumer) {
    const auto topology = make_topology({});

    for (const auto& queue : topology.queues) {
        const bool is_shard = queue.name.starts_with("ordersaga.outcomes.");
        EXPECT_EQ(find_argument(queue, "x-single-active-consumer") != nullptr, is_shard) << queue.name;
    }
    EXPECT_NE(find_queue(topology, "ordersaga.outcomes.7"), nullptr);
}

TEST(Topology, OfAListenerHasNothingOfCommandsAndOutcomes) {
    const auto topology = make_topology(
        {.outcome_shards = 0, .command_families = {}, .event_queues = {{"notifier.orders", {"orders.#"}}}});

    for (const auto& exchange : topology.exchanges)
        EXPECT_TRUE(exchange.name == "ordersaga.dead" || exchange.name == "ordersaga.events") << exchange.name;
    for (const auto& queue : topology.queues)
        EXPECT_TRUE(queue.name == "ordersaga.dead" || queue.name == "ordersaga.notifier.orders") << queue.name;
}

TEST(Topology, ThePrefixIsOnEveryNameAndNoRoutingKey) {
    const auto topology = make_topology({.prefix = "t1."});

    for (const auto& exchange : topology.exchanges)
        EXPECT_TRUE(exchange.name.starts_with("t1.ordersaga."));
    for (const auto& queue : topology.queues) {
        EXPECT_TRUE(queue.name.starts_with("t1.ordersaga."));
        if (const auto* exchange = find_argument(queue, "x-dead-letter-exchange")) {
            EXPECT_EQ(*exchange, ArgumentValue(std::string("t1.ordersaga.dead")));
        }
    }
    for (const auto& binding : topology.bindings) {
        EXPECT_TRUE(binding.queue.starts_with("t1."));
        EXPECT_TRUE(binding.exchange.starts_with("t1."));
        EXPECT_FALSE(binding.routing_key.starts_with("t1."));
    }
}

}  // namespace
}  // namespace ordersaga::broker
