// Messages on the outcome queues that nobody's worker sent: what is no outcome goes to the dead letters and is counted,
// what is an outcome of nothing that is open changes nothing. The true outcome still counts afterwards.
#include "broker/connection.hpp"
#include "broker/envelope.hpp"
#include "orchestrator/broker_ports.hpp"
#include "tests/integration/broker/broker_fixture.hpp"
#include "tests/integration/hostile/hostile_world.hpp"

namespace ordersaga::test {
namespace {

class ForgedOutcomes : public HostileWorld {
protected:
    void SetUp() override {
        const char* url = std::getenv("ORDERSAGA_AMQP_URL");
        ASSERT_NE(url, nullptr) << "ORDERSAGA_AMQP_URL is not set: run ./dev test integration, which starts a broker";
        HostileWorld::SetUp();
        address_ = broker::parse_address(url).value();
        topology_options_.prefix = "test-" + runtime::random_token(6) + ".";
        topology_options_.outcome_shards = 1;
        names_ = broker::Names(topology_options_.prefix);
        ASSERT_TRUE(broker::declare_topology(address_, broker::make_topology(topology_options_)).ok());
        source_ = std::make_unique<OutcomeSource>(
            address_, topology_options_, orchestrator_->loop(), orchestrator_->metrics(), test_keys());
        source_->serve({0});
        publisher_ = std::make_unique<broker::Publisher>(address_, broker::PublisherOptions{}, results_.receiver());
        broker::ConsumerOptions dead;
        dead.queues = {names_.dead_queue()};
        dead.body_limit = 1024 * 1024;
        dead_letters_ = std::make_unique<broker::Consumer>(address_, dead, dead_.receiver());
        request_an_order();
    }

    void TearDown() override {
        if (dead_letters_) dead_letters_->stop(std::chrono::milliseconds(100));
        if (publisher_) publisher_->stop(std::chrono::milliseconds(100));
        if (source_) source_->stop();
        orchestrator_.reset();
        if (address_.host.empty()) return;
        EXPECT_TRUE(broker::delete_topology(address_, broker::make_topology(topology_options_)).ok());
    }

    // An order whose request to the warehouse is under way.
    void request_an_order() {
        ASSERT_EQ(send("orders/create", "w1", an_order(1).dump()).status, 200);
        const auto requested = [this] {
            return !orchestrator_->sink().sent("RequestFulfillment").empty();
        };
        ASSERT_TRUE(work_until(requested, {"RequestFulfillment"}));
        command_ = orchestrator_->sink().sent("RequestFulfillment").at(0);
        saga_before_ = look("SELECT state || version || data::text FROM sagas");
    }

    broker::Envelope true_outcome() const {
        broker::Envelope envelope;
        envelope.kind = broker::EnvelopeKind::outcome;
        envelope.message_id = "outcome";
        envelope.merchant_id = std::to_string(command_.merchant.value);
        envelope.saga_id = command_.saga_id;
        envelope.step = command_.command_id;
        envelope.activity = command_.activity;
        envelope.attempt_token = command_.attempt_token;
        envelope.payload = sagas::to_json(PlainWorker({}, units).answer(command_)).dump();
        return envelope;
    }

    broker::Message outcome_message(const std::string& body) const {
        broker::Message message;
        message.exchange = names_.outcomes_exchange();
        message.routing_key = broker::outcome_routing_key(0);
        message.body = body;
        return message;
    }
    void publish(const std::string& body) {
        broker::Message message = outcome_message(body);
        message.message_id = "m" + std::to_string(++published_);
        message.tag = static_cast<std::uint64_t>(published_);
        ASSERT_TRUE(publisher_->try_publish(std::move(message)));
        ASSERT_TRUE(results_.wait_for(static_cast<std::size_t>(published_)));
        ASSERT_EQ(results_.count(broker::PublishStatus::confirmed), static_cast<std::size_t>(published_));
    }
    void publish(const broker::Envelope& envelope) { publish(broker::encode(envelope).value()); }
    // A stranger's client has no limit of its own; ours refuses to send such a body.
    void publish_beyond_our_limit(const std::string& body) {
        broker::ConnectionOptions stranger;
        stranger.name = "stranger";
        broker::Connection connection(address_, stranger);
        ASSERT_TRUE(connection.open().ok());
        ASSERT_TRUE(connection.open_channel(1).ok());
        ASSERT_TRUE(connection.publish(1, outcome_message(body)).ok());
        connection.close();
    }

    void expect_true_outcome_still_counts() {
        EXPECT_EQ(look("SELECT state || version || data::text FROM sagas"), saga_before_)
            << "a forgery changed the saga";
        publish(true_outcome());
        EXPECT_TRUE(broker::eventually([this] { return state_of_saga() == "FulfillmentRequested"; }))
            << state_of_saga();
    }
    bool eventually_counted(const std::string& series, int count) {
        const std::string wanted = series + " " + std::to_string(count) + "\n";
        return broker::eventually(
            [&] { return orchestrator_->metrics().exposition().find(wanted) != std::string::npos; });
    }

    broker::Address address_;
    broker::TopologyOptions topology_options_;
    broker::Names names_;
    broker::Results results_;
    broker::Deliveries dead_;
    std::unique_ptr<OutcomeSource> source_;
    std::unique_ptr<broker::Publisher> publisher_;
    std::unique_ptr<broker::Consumer> dead_letters_;
    engine::CommandRow command_;
    std::string saga_before_;
    int published_ = 0;
};

TEST_F(ForgedOutcomes, ThatAreNoOutcomesGoToTheDeadLetters) {
    broker::Envelope command = true_outcome();
    command.kind = broker::EnvelopeKind::command;
    broker::Envelope no_merchant = true_outcome();
    no_merchant.merchant_id = "1 OR 1=1";
    broker::Envelope no_kind = true_outcome();
    no_kind.payload = R"({"kind":"wonderful"})";
    broker::Envelope no_payload = true_outcome();
    no_payload.payload = "{}";
    broker::Envelope sealed_by_a_stranger = true_outcome();
    sealed_by_a_stranger.payload = R"({"kind":"done","payload":{"sealed":"a1:AAAA"}})";
    const std::string nul =
        R"({"schema":1,"kind":"outcome","message_id":"m","merchant_id":"1","activity":"A","attempt_token":"t","step":"\u0000","payload":{"kind":"done"}})";
    const std::vector<std::string> bodies{
        "",
        "not JSON",
        "[]",
        "{}",
        std::string(10'000, '['),
        nul,
        broker::encode(command).value(),
        broker::encode(no_merchant).value(),
        broker::encode(no_kind).value(),
        broker::encode(no_payload).value(),
        broker::encode(sealed_by_a_stranger).value()};

    for (const std::string& body : bodies)
        publish(body);
    publish_beyond_our_limit(std::string(300'000, 'x'));

    const std::size_t letters = bodies.size() + 1;
    EXPECT_TRUE(dead_.wait_for(letters)) << dead_.all().size() << " of " << letters;
    for (const broker::Delivery& letter : dead_.all()) {
        EXPECT_EQ(letter.death_reason, "rejected");
        EXPECT_EQ(letter.death_queue, names_.outcome_queue(0));
    }
    // The one beyond the size limit never reaches the reader.
    EXPECT_TRUE(eventually_counted("ordersaga_refused_outcomes_total", static_cast<int>(bodies.size())));
    expect_true_outcome_still_counts();
}

TEST_F(ForgedOutcomes, OfNothingThatIsOpenChangeNothing) {
    broker::Envelope wrong_token = true_outcome();
    wrong_token.attempt_token = "guessed";
    broker::Envelope wrong_command = true_outcome();
    wrong_command.step = "0190a000-0000-7000-8000-00000000beef";
    broker::Envelope wrong_saga = true_outcome();
    wrong_saga.saga_id = "0190a000-0000-7000-8000-00000000dead";
    broker::Envelope no_saga = true_outcome();
    no_saga.saga_id = "";
    broker::Envelope other_merchant = true_outcome();
    other_merchant.merchant_id = std::to_string(other_merchant_);
    broker::Envelope nobody = true_outcome();
    nobody.merchant_id = "9223372036854775807";

    for (const broker::Envelope& envelope : {wrong_token, wrong_command, wrong_saga, no_saga, other_merchant, nobody})
        publish(envelope);

    EXPECT_TRUE(eventually_counted("ordersaga_stale_inputs_total", 6));
    EXPECT_TRUE(dead_.all().empty());
    expect_true_outcome_still_counts();
}

// Ids that no database can take: parked with a reason, each alone.
TEST_F(ForgedOutcomes, WithImpossibleIdsAreParked) {
    broker::Envelope saga = true_outcome();
    saga.saga_id = "'; DROP TABLE sagas; --";
    broker::Envelope command = true_outcome();
    command.saga_id = "";
    command.step = "not an id";

    publish(saga);
    publish(command);

    EXPECT_TRUE(broker::eventually([this] { return count("parked_items") == 2; })) << count("parked_items");
    EXPECT_EQ(look("SELECT count(*) FROM parked_items WHERE kind = 'outcome' AND reason <> ''"), "2");
    const json parked = json::parse(ask("GET", "/api/v1/parked").body);
    EXPECT_EQ(parked.at("items").size(), 2U);
    expect_true_outcome_still_counts();
}

TEST_F(ForgedOutcomes, RepeatedCountOnce) {
    for (int i = 0; i < 10; ++i)
        publish(true_outcome());

    EXPECT_TRUE(broker::eventually([this] { return state_of_saga() == "FulfillmentRequested"; }));
    EXPECT_TRUE(eventually_counted("ordersaga_stale_inputs_total", 9));
    EXPECT_EQ(look("SELECT sum(committed) FROM stock"), "1");
}

// A payload of the right kind with wrong content: whatever it says, the process lives and the saga is somewhere visible.
TEST_F(ForgedOutcomes, WithNonsenseInsideAreParkedOrVisible) {
    broker::Envelope envelope = true_outcome();
    envelope.payload = R"({"kind":"done","payload":{"view":["not","a","view"]}})";

    publish(envelope);

    const auto settled = [this] {
        return count("parked_items") == 1 || state_of_saga() != "ChannelsSynced";
    };
    EXPECT_TRUE(broker::eventually(settled)) << state_of_saga();
    expect_that_it_lives();
}

}  // namespace
}  // namespace ordersaga::test
