// What the orchestrator tells the broker, and what it believes of its answers: an outcome is acked when it is committed, a
// command is published when a queue has it. The engine is the real one; its store is the simulated one, which can be away.
#include "orchestrator/broker_ports.hpp"

#include "broker/envelope.hpp"
#include "broker/envelope_list.hpp"
#include "orchestrator/engine_loop.hpp"
#include "runtime/metrics.hpp"
#include "tests/integration/broker/broker_fixture.hpp"
#include "tests/unit/engine/bench.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <set>

namespace ordersaga {
namespace {

using namespace std::chrono_literals;
using broker::eventually;
using broker::patience;

// The store as the loop's thread meets it.
struct StoreAway final : sim::SimFaults {
    AtCall at_call(const char* call) override {
        const std::string_view name(call);
        if (name == "mark_published") marked = true;
        if (!away || name != "lock_sagas") return AtCall::fine;
        refused = true;
        return AtCall::serialization_failure;
    }

    std::atomic<bool> away{false};     // as soon as a saga is asked for
    std::atomic<bool> refused{false};  // it was away when it was needed
    std::atomic<bool> marked{false};   // a command was noted as published
};

struct World {
    World(const broker::Address& address, const broker::TopologyOptions& topology)
        : sink(address, topology, {&bench.definition}, metrics, {true, 0ms, 60s}),
          engine(bench.store, bench.boxes, {&bench.definition}, sink, bench.random),
          loop(engine, metrics) {
        bench.store.set_faults(&store);
        sink.connect(loop);
        loop.start();
    }
    ~World() {
        loop.stop();
        sink.stop();
    }

    // One batch: what the broker has confirmed meanwhile is noted in it.
    void run(engine::Input input) {
        const auto done = std::make_shared<std::promise<void>>();
        input.done = [done](const engine::InputResult&) {
            done->set_value();
        };
        ASSERT_TRUE(loop.offer(std::move(input)));
        ASSERT_EQ(done->get_future().wait_for(patience), std::future_status::ready);
    }
    bool counted(const std::string& line) { return metrics.exposition().find(line) != std::string::npos; }

    runtime::Metrics metrics;
    StoreAway store;
    engine::Bench bench;
    BrokerSink sink;
    engine::Engine engine;
    EngineLoop loop;
};

class BrokerPorts : public broker::BrokerTest {
protected:
    const runtime::KeyRing keys_ = runtime::KeyRing::parse(runtime::new_key_line()).value();

    // Of no attempt that is open: it changes nothing, and is answered like any other.
    static std::string an_outcome(const std::string& token = "token") {
        broker::Envelope envelope;
        envelope.kind = broker::EnvelopeKind::outcome;
        envelope.message_id = "m1";
        envelope.merchant_id = "1";
        envelope.saga_id = engine::parcel(1).saga_id;
        envelope.step = "00000000-0000-4000-8000-000000000001";
        envelope.activity = "Pack";
        envelope.attempt_token = token;
        envelope.idempotency_key = "key";
        envelope.payload = sagas::to_json(engine::an_outcome(sagas::OutcomeKind::done)).dump();
        return broker::encode(envelope).value();
    }
    void publish_outcomes(const std::vector<std::string_view>& bodies) {
        broker::Message message;
        message.exchange = names_.outcomes_exchange();
        message.routing_key = broker::outcome_routing_key(0);
        message.message_id = "m1";
        message.body = broker::join_envelopes(bodies);
        broker::Results results;
        broker::Publisher publisher(address_, {}, results.receiver());
        ASSERT_TRUE(publisher.try_publish(std::move(message)));
        ASSERT_TRUE(results.wait_for(1));
        ASSERT_EQ(results.count(broker::PublishStatus::confirmed), 1U);
    }
    void publish_an_outcome() { publish_outcomes({an_outcome()}); }

    static std::vector<engine::CommandRow> commands(int count) {
        std::vector<engine::CommandRow> rows;
        for (int i = 1; i <= count; ++i) {
            engine::CommandRow row;
            row.merchant = engine::merchant;
            row.saga_id = engine::parcel(i).saga_id;
            row.command_id = "command-" + std::to_string(i);
            row.attempt_token = "token-" + std::to_string(i);
            row.activity = "Pack";
            row.attempt = 1;
            row.payload = nlohmann::json::object();
            rows.push_back(std::move(row));
        }
        return rows;
    }
    // The commands of each message on the queue, in any sequence of the messages.
    std::vector<std::vector<broker::Envelope>> messages(std::size_t count) {
        broker::Deliveries taken;
        broker::Consumer consumer(address_, from({names_.command_queue("bench")}), taken.receiver());
        EXPECT_TRUE(taken.wait_for(count));
        EXPECT_TRUE(taken.stays_at(count, 300ms));
        std::vector<std::vector<broker::Envelope>> all;
        for (const broker::Delivery& delivery : taken.all()) {
            const auto lines = broker::split_envelopes(delivery.body);
            std::vector<broker::Envelope>& envelopes = all.emplace_back();
            for (const std::string_view line : *lines)
                envelopes.push_back(broker::decode(line).value());
        }
        consumer.ack(taken.handles());
        consumer.stop();
        return all;
    }
    void make_bench_queue() {
        options_.command_families = {"bench"};
        make(options_);
    }
};

TEST_F(BrokerPorts, AnOutcomeIsAckedWhenItIsCommitted) {
    World world(address_, options_);
    OutcomeSource source(address_, options_, world.loop, world.metrics, keys_);

    publish_an_outcome();
    source.serve({0});

    EXPECT_TRUE(eventually([&] { return world.counted("ordersaga_inputs_total 1"); }));
    EXPECT_TRUE(eventually([&] { return source.health().unacked == 0; }));
    source.stop();
    EXPECT_EQ(drain(names_.outcome_queue(0)), 0U);
}

TEST_F(BrokerPorts, AnOutcomeThatCouldNotBeCommittedIsDeliveredAgain) {
    World world(address_, options_);
    OutcomeSource source(address_, options_, world.loop, world.metrics, keys_);
    world.store.away = true;

    publish_an_outcome();
    source.serve({0});

    EXPECT_TRUE(eventually([&] { return world.store.refused.load(); }));
    source.stop();
    EXPECT_EQ(drain(names_.outcome_queue(0)), 1U);
}

TEST_F(BrokerPorts, ACommandIsPublishedWhenAQueueHasIt) {
    options_.command_families = {"bench"};
    make(options_);
    World world(address_, options_);

    world.run(world.bench.wanted(1));

    EXPECT_TRUE(eventually([&] {
        world.bench.clock.advance(1s);  // an attempt that ends sooner is not noted
        world.run(world.bench.told(1, "Whisper"));
        return world.store.marked.load();
    }));
}

TEST_F(BrokerPorts, ACommandThatNoQueueWantsIsNotPublished) {
    World world(address_, options_);

    world.run(world.bench.wanted(1));

    EXPECT_TRUE(eventually([&] { return world.counted("ordersaga_publish_failed_total{status=\"returned\"} 1"); }));
    world.run(world.bench.told(1, "Whisper"));
    EXPECT_FALSE(world.store.marked.load());
}

// ---------------------------------------------------------------------------------------------------------------------
// Several in one message

TEST_F(BrokerPorts, SeveralOutcomesAreAckedWhenTheLastIsCommitted) {
    World world(address_, options_);
    OutcomeSource source(address_, options_, world.loop, world.metrics, keys_);

    publish_outcomes({an_outcome("a"), an_outcome("b"), an_outcome("c")});
    source.serve({0});

    EXPECT_TRUE(eventually([&] { return world.counted("ordersaga_inputs_total 3"); }));
    EXPECT_TRUE(eventually([&] { return source.health().unacked == 0; }));
    source.stop();
    EXPECT_EQ(drain(names_.outcome_queue(0)), 0U);
}

TEST_F(BrokerPorts, SeveralOutcomesThatCouldNotBeCommittedAreDeliveredAgain) {
    World world(address_, options_);
    OutcomeSource source(address_, options_, world.loop, world.metrics, keys_);
    world.store.away = true;

    publish_outcomes({an_outcome("a"), an_outcome("b")});
    source.serve({0});

    EXPECT_TRUE(eventually([&] { return world.store.refused.load(); }));
    source.stop();
    EXPECT_EQ(drain(names_.outcome_queue(0)), 1U);
}

// The others count, and the message is kept.
TEST_F(BrokerPorts, WhatIsNoOutcomeGoesToTheDeadLettersWhenItsNeighboursAreCommitted) {
    World world(address_, options_);
    OutcomeSource source(address_, options_, world.loop, world.metrics, keys_);

    publish_outcomes({an_outcome("a"), R"({"schema":1,"kind":"outcome"})", an_outcome("b")});
    source.serve({0});

    EXPECT_TRUE(eventually([&] { return world.counted("ordersaga_inputs_total 2"); }));
    EXPECT_TRUE(world.counted("ordersaga_refused_outcomes_total 1"));
    EXPECT_TRUE(eventually([&] { return source.health().unacked == 0; }));
    source.stop();
    EXPECT_EQ(drain(names_.outcome_queue(0)), 0U);
    EXPECT_EQ(drain(names_.dead_queue()), 1U);
}

TEST_F(BrokerPorts, CommandsOfABatchShareMessagesWhereTheWorkersReadThem) {
    make_bench_queue();
    World world(address_, options_);
    world.sink.serves({1});
    world.sink.answered("Pack", true);

    world.sink.send(commands(40), 2);

    std::vector<std::size_t> sizes;
    std::set<std::string> tokens;
    for (const std::vector<broker::Envelope>& message : messages(3)) {
        sizes.push_back(message.size());
        for (const broker::Envelope& envelope : message) {
            tokens.insert(envelope.attempt_token);
            EXPECT_EQ(envelope.reply_to, "outcome.1") << "the shard that we serve";
            EXPECT_TRUE(envelope.lists);
        }
    }
    EXPECT_THAT(sizes, testing::UnorderedElementsAre(14, 14, 12));
    EXPECT_EQ(tokens.size(), 40U);
}

TEST_F(BrokerPorts, CommandsGoAloneToWorkersOfTheReleaseBefore) {
    make_bench_queue();
    World world(address_, options_);
    world.sink.serves({1});

    world.sink.send(commands(2), 2);  // nobody has answered
    EXPECT_EQ(messages(2).size(), 2U);
    world.sink.answered("Pack", true);
    world.sink.answered("Pack", false);  // one reads them, another does not
    world.sink.send(commands(2), 2);
    EXPECT_EQ(messages(2).size(), 2U);
}

TEST_F(BrokerPorts, WhatWasTriedBeforeGoesAlone) {
    make_bench_queue();
    World world(address_, options_);
    world.sink.answered("Pack", true);
    std::vector<engine::CommandRow> rows = commands(4);
    rows[0].attempt = 2;
    rows[1].lookup_first = true;

    world.sink.send(rows, 2);

    std::vector<std::size_t> sizes;
    for (const auto& message : messages(3))
        sizes.push_back(message.size());
    EXPECT_THAT(sizes, testing::UnorderedElementsAre(1, 1, 2));
}

// Which shard of outcomes is ours tells the source; without one each outcome goes to its saga's, alone.
TEST_F(BrokerPorts, WhoServesNoShardAsksForNoLists) {
    make_bench_queue();
    World world(address_, options_);
    world.sink.send(commands(1), 2);
    const broker::Envelope before = messages(1).at(0).at(0);
    EXPECT_FALSE(before.lists);
    EXPECT_EQ(before.reply_to, broker::outcome_routing_key(engine::shard_of(before.saga_id, 2)));

    OutcomeSource source(address_, options_, world.loop, world.metrics, keys_, &world.sink);
    source.serve({0});
    world.sink.send(commands(1), 2);
    const broker::Envelope after = messages(1).at(0).at(0);
    EXPECT_TRUE(after.lists);
    EXPECT_EQ(after.reply_to, "outcome.0");
    source.stop();
}

TEST_F(BrokerPorts, AnOutcomeTellsWhetherItsWorkerReadsLists) {
    make_bench_queue();
    World world(address_, options_);
    OutcomeSource source(address_, options_, world.loop, world.metrics, keys_, &world.sink);
    source.serve({0});
    broker::Envelope read = broker::decode(an_outcome()).value();
    read.lists = true;
    publish_outcomes({broker::encode(read).value()});
    ASSERT_TRUE(eventually([&] { return world.counted("ordersaga_inputs_total 1"); }));

    world.sink.send(commands(2), 2);
    EXPECT_EQ(messages(1).at(0).size(), 2U);
    publish_outcomes({an_outcome()});
    ASSERT_TRUE(eventually([&] { return world.counted("ordersaga_inputs_total 2"); }));
    world.sink.send(commands(2), 2);
    EXPECT_EQ(messages(2).size(), 2U);
    source.stop();
}

// The relay offers what no queue has taken; each command of the message that is confirmed then counts as published.
TEST_F(BrokerPorts, EachCommandOfAConfirmedMessageIsPublished) {
    World world(address_, options_);
    world.sink.answered("Pack", true);
    for (int i = 1; i <= 3; ++i)
        world.run(world.bench.wanted(i));
    ASSERT_TRUE(eventually([&] { return world.counted("ordersaga_publish_failed_total{status=\"returned\"} 3"); }));
    world.loop.stop();
    make_bench_queue();
    world.bench.clock.advance(std::chrono::seconds(4));

    EngineLoop later(world.engine, world.metrics);
    world.sink.connect(later);
    later.start();
    EXPECT_EQ(messages(1).at(0).size(), 3U);
    const auto published = [&] {
        world.bench.clock.advance(1s);  // an attempt that ends sooner is not noted
        const auto done = std::make_shared<std::promise<void>>();
        engine::Input input = world.bench.told(1, "Whisper");
        input.done = [done](const engine::InputResult&) {
            done->set_value();
        };
        later.offer(std::move(input));
        done->get_future().wait();
        return world.store.marked.load();
    };
    EXPECT_TRUE(eventually(published));
    later.stop();
    for (int i = 1; i <= 3; ++i)
        EXPECT_TRUE(world.bench.open_command(i)->published_at) << i;
}

}  // namespace
}  // namespace ordersaga
