// What the orchestrator tells the broker, and what it believes of its answers: an outcome is acked when it is committed, a
// command is published when a queue has it. The engine is the real one; its store is the simulated one, which can be away.
#include "orchestrator/broker_ports.hpp"

#include "broker/envelope.hpp"
#include "orchestrator/engine_loop.hpp"
#include "runtime/metrics.hpp"
#include "tests/integration/broker/broker_fixture.hpp"
#include "tests/unit/engine/bench.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

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
        : sink(address, topology, {&bench.definition}, metrics),
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
    void publish_an_outcome() {
        broker::Envelope envelope;
        envelope.kind = broker::EnvelopeKind::outcome;
        envelope.message_id = "m1";
        envelope.merchant_id = "1";
        envelope.saga_id = engine::parcel(1).saga_id;
        envelope.step = "00000000-0000-4000-8000-000000000001";
        envelope.activity = "Pack";
        envelope.attempt_token = "token";
        envelope.idempotency_key = "key";
        envelope.payload = sagas::to_json(engine::an_outcome(sagas::OutcomeKind::done)).dump();
        broker::Message message;
        message.exchange = names_.outcomes_exchange();
        message.routing_key = broker::outcome_routing_key(0);
        message.message_id = envelope.message_id;
        message.body = broker::encode(envelope).value();
        broker::Results results;
        broker::Publisher publisher(address_, {}, results.receiver());
        ASSERT_TRUE(publisher.try_publish(std::move(message)));
        ASSERT_TRUE(results.wait_for(1));
        ASSERT_EQ(results.count(broker::PublishStatus::confirmed), 1U);
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

}  // namespace
}  // namespace ordersaga
