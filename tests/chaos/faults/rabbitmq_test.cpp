// The broker goes away, freezes, refuses, forgets queues, or carries what nobody understands.
#include "broker/connection.hpp"
#include "broker/topology.hpp"
#include "sandbox/demo/fault_plan.hpp"
#include "tests/chaos/faults/each_fault.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>

namespace ordersaga::chaos {
namespace {

class RabbitMq : public EachFault {
protected:
    broker::Names names() { return broker::Names(shop().victims.prefix); }

    // Work with a connection of our own, past every proxy.
    void with_channel(const std::function<void(broker::Connection&)>& work) {
        broker::Connection connection(
            broker::parse_address(shop().victims.amqp_url).value(), {.name = "chaos-nemesis"});
        connection.open().value();
        connection.open_channel(1).value();
        work(connection);
        connection.close();
    }

    std::int64_t messages_in(const std::string& queue) {
        std::int64_t messages = -1;
        with_channel([&](broker::Connection& connection) {
            if (const auto state = connection.look_at_queue(1, queue)) messages = state->messages;
        });
        return messages;
    }

    void cut_all() {
        for (const std::string& link : shop().links.names_to(" to rabbitmq"))
            shop().links.at(link).cut();
    }
};

// T24
TEST_F(RabbitMq, KilledLosesNothingThatWasConfirmed) {
    for (int cycle = 0; cycle < (once_is_enough() ? 1 : 2); ++cycle) {
        spoil("RabbitMQ killed", milliseconds(1'000));
        wait_for_servers();
        expect_well_again("RabbitMQ", seconds_until_outcome(seconds(30)));
    }
}

TEST_F(RabbitMq, RestartedLosesNothing) {
    spoil("RabbitMQ restarted", milliseconds(200));
    wait_for_servers();
    expect_well_again("RabbitMQ", seconds_until_outcome(seconds(30)));
}

TEST_F(RabbitMq, FrozenTurnsHealthRedAndIsPickedUpAgain) {
    spoil("RabbitMQ frozen", seconds(16), [&] {
        expect_red("activity-worker", "broker", seconds(8));
        expect_red("orchestrator", "outcomes", seconds(8));
    });
    expect_well_again("RabbitMQ", seconds_until_outcome(seconds(30)));
}

// T23: publishers are blocked, the rows stay where they are.
TEST_F(RabbitMq, WithAnAlarmTurnsHealthRedAndDrainsAfterwards) {
    for (const char* alarm : {"RabbitMQ's memory alarm", "RabbitMQ's disk alarm"}) {
        spoil(alarm, seconds(6), [&] { expect_red("orchestrator", "blocked", seconds(10)); });
        expect_well_again("RabbitMQ", seconds_until_outcome(seconds(30)));
    }
}

// T25: it has the message, or half of one, and we do not hear so; or it does not hear that we are done with one.
TEST_F(RabbitMq, WithoutAConfirmOrAReceiptDoublesNothing) {
    for (const char* what :
         {"cut before receiving basic.ack", "cut after sending basic.publish", "cut before sending basic.ack",
          "cut after receiving basic.deliver"}) {
        const std::uint64_t cuts =
            shop().links.at("activity-worker to rabbitmq").cuts() + shop().links.at("orchestrator to rabbitmq").cuts();
        spoil_links(what, " to rabbitmq", seconds(3));
        EXPECT_GT(
            shop().links.at("activity-worker to rabbitmq").cuts() + shop().links.at("orchestrator to rabbitmq").cuts(),
            cuts)
            << what << " did not happen";
    }
}

// T26: what lay in them is gone; the outbox says what it was.
TEST_F(RabbitMq, WithoutItsQueuesMakesThemAgain) {
    for (const std::string& queue :
         {names().command_queue("shopify"), names().command_queue("shipbob"), names().outcome_queue(0),
          names().outcome_queue(5)}) {
        delete_queue(shop().victims, queue);
        shop().go_on_for(milliseconds(500));
    }
    for (const std::string& program : shop().system.programs())
        expect_green(program, seconds(20));
    expect_well_again("RabbitMQ", seconds_until_outcome(seconds(30)));
}

// T28
TEST_F(RabbitMq, CarryingWhatNobodyUnderstandsKeepsItAside) {
    const std::int64_t before = messages_in(names().dead_queue());
    for (int turn = 0; turn < 5; ++turn)
        spoil("messages nobody understands", milliseconds(200));
    EXPECT_TRUE(shop().wait_until([&] { return messages_in(names().dead_queue()) >= before + 200; }, seconds(20)))
        << messages_in(names().dead_queue()) - before << " of 200 are among the dead letters";
    for (const std::string& program : shop().system.programs())
        expect_green(program, milliseconds(500));
}

// T32: kept where they are until somebody takes them.
TEST_F(RabbitMq, WithoutAPlaceForDeadLettersKeepsThem) {
    delete_queue(shop().victims, names().dead_queue());
    for (int count = 0; count < 10; ++count)
        send_undecodable(shop().victims, names().command_queue("shopify"), "neither {");
    shop().go_on_for(seconds(2));
    cut_all();  // who connects anew makes what is missing
    EXPECT_TRUE(shop().wait_until([&] { return messages_in(names().dead_queue()) >= 10; }, seconds(60)))
        << messages_in(names().dead_queue());
}

// T29: a delivery in work for longer than the broker bears, because the stores do not answer.
TEST_F(RabbitMq, WhoseConsumersTakeTooLongIsToldAgainAndDoublesNothing) {
    shop().system.servers(
        {"eval",
         "application:set_env(rabbit, consumer_timeout, 1000), application:set_env(rabbit, "
         "channel_tick_interval, 500)."});
    cut_all();  // channels learn it when they open
    shop().system.control("PUT", "/control/faults", {{"calls", {{"shopify", {{"timeout_after", 1.0}}}}}});
    shop().go_on_for(seconds(8));
    shop().system.control("PUT", "/control/faults", demo::faults_off());
    shop().system.servers(
        {"eval",
         "application:set_env(rabbit, consumer_timeout, 1800000), application:set_env(rabbit, "
         "channel_tick_interval, 60000)."});
    cut_all();
    EXPECT_TRUE(shop().wait_until(
        [&] {
            bool told = false;
            for (const char* name : {"activity-worker.log", "activity-worker-2.log"}) {
                std::ifstream log(shop().system.logs() / name);
                const std::string text{std::istreambuf_iterator<char>(log), {}};
                told = told || text.find("PRECONDITION_FAILED") != std::string::npos;
            }
            return told;
        },
        seconds(5)))
        << "no channel was closed for it";
}

// T30: the link stands and carries nothing one way.
TEST_F(RabbitMq, HalfOpenTurnsHealthRedUntilAProbeComesRound) {
    for (const std::string& program : shop().system.programs())
        shop().links.at(program + " to rabbitmq").set(network::Direction::to_client, {.swallowed = true});
    expect_red("activity-worker", "broker", seconds(15));
    expect_red("orchestrator", broker_is_red, seconds(15));
    shop().links.heal_all();
    for (const std::string& program : shop().system.programs())
        expect_green(program, seconds(20));
}

// T33: somebody else has made our queue, and otherwise.
TEST_F(RabbitMq, WithAQueueOfOtherArgumentsSaysSoAndGoesOnWhenItIsGone) {
    const std::string queue = names().command_queue("shopify");
    broker::Queue wrong;
    wrong.name = queue;
    with_channel([&](broker::Connection& connection) {
        connection.delete_queue(1, queue).value();
        connection.declare(1, wrong).value();
    });
    expect_red("activity-worker", "PRECONDITION_FAILED", seconds(15));
    shop().go_on_for(seconds(2));
    delete_queue(shop().victims, queue);
    for (const std::string& program : shop().system.programs())
        expect_green(program, seconds(20));
    expect_well_again("RabbitMQ", seconds_until_outcome(seconds(30)));
}

// T46, T47 of this link
TEST_F(RabbitMq, OverABadNetworkDoublesNothing) {
    spoil_links("no way through", " to rabbitmq", seconds(3));
    spoil_links("half-closed", " to rabbitmq", seconds(3));
    spoil_links("slow and sliced", " to rabbitmq", seconds(4));
    spoil_links("cut among its bytes", " to rabbitmq", seconds(3));
}

}  // namespace
}  // namespace ordersaga::chaos
