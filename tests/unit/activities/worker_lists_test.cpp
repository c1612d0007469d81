// Several commands in one message and several outcomes in one: each is answered and settled as if it had come alone.
#include "broker/envelope_list.hpp"
#include "tests/unit/activities/worker_fixture.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>

#include <algorithm>

namespace ordersaga::activities {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Takes its time, and counts who is there at once.
struct SlowPeer final : runtime::HttpTransport {
    boost::asio::awaitable<runtime::HttpOutcome> send(runtime::HttpCall /*call*/) override {
        most = std::max(most, ++inside);
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, std::chrono::milliseconds(5));
        co_await timer.async_wait(boost::asio::use_awaitable);
        --inside;
        ++answered;
        co_return answer(200, json::array());
    }
    int inside = 0, most = 0, answered = 0;
};

class WorkerLists : public WorkerTest {
protected:
    broker::Envelope read(const std::string& token) {
        broker::Envelope envelope =
            command(sagas::activity::find_fulfillment, {{"warehouse", "main"}, {"reference", token}});
        envelope.attempt_token = token;
        envelope.lists = true;
        return envelope;
    }
    broker::Delivery list(const std::vector<broker::Envelope>& envelopes, std::uint64_t sequence) {
        std::vector<std::string> bodies;
        for (const broker::Envelope& envelope : envelopes)
            bodies.push_back(broker::encode(envelope).value());
        broker::Delivery delivery;
        delivery.handle = {1, sequence};
        delivery.queue = "ordersaga.warehouse";
        delivery.body = broker::join_envelopes({bodies.begin(), bodies.end()});
        return delivery;
    }
    void will_find_nothing(int times) {
        for (int i = 0; i < times; ++i)
            peer.will(answer(200, json::array()));
    }
    // Whose outcomes a message holds.
    std::vector<std::string> tokens(std::size_t message) const {
        std::vector<std::string> tokens;
        const auto bodies = broker::split_envelopes(published.at(message).body);
        for (const std::string_view body : *bodies)
            tokens.push_back(broker::decode(body).value().attempt_token);
        return tokens;
    }
};

TEST_F(WorkerLists, CommandsOfOneMessageAreAnsweredTogetherAndAckedOnce) {
    will_find_nothing(3);

    deliver(list({read("a"), read("b"), read("c")}, 1));

    ASSERT_EQ(published.size(), 1U);
    EXPECT_THAT(tokens(0), ElementsAre("a", "b", "c"));
    EXPECT_EQ(published[0].routing_key, "outcome.5");
    EXPECT_THAT(acked, IsEmpty());
    confirm(0);
    EXPECT_THAT(acked, ElementsAre(1));
    EXPECT_EQ(worker->in_work(), 0U);
}

TEST_F(WorkerLists, AMessageIsAckedWhenItsLastOutcomeIsConfirmed) {
    will_find_nothing(2);
    broker::Envelope other_shard = read("b");
    other_shard.reply_to = "outcome.6";

    deliver(list({read("a"), other_shard}, 1));

    ASSERT_EQ(published.size(), 2U);
    confirm(1);
    EXPECT_THAT(acked, IsEmpty());
    confirm(0);
    EXPECT_THAT(acked, ElementsAre(1));
}

TEST_F(WorkerLists, OutcomesThatBecomeReadyWhileAMessageIsUnderWayGoTogether) {
    will_find_nothing(3);
    deliver(delivery(read("a"), 1));
    deliver(delivery(read("b"), 2));
    deliver(delivery(read("c"), 3));
    ASSERT_EQ(published.size(), 1U);
    EXPECT_EQ(broker::decode(published[0].body).value().attempt_token, "a");

    confirm(0);
    ASSERT_EQ(published.size(), 2U);
    EXPECT_THAT(tokens(1), ElementsAre("b", "c"));
    confirm(1);
    EXPECT_THAT(acked, ElementsAre(1, 2, 3));
}

// An orchestrator of the release before reads one outcome per message.
TEST_F(WorkerLists, WhoDoesNotSayThatHeReadsListsGetsSingleOutcomes) {
    will_find_nothing(2);
    broker::Envelope first = read("a");
    broker::Envelope second = read("b");
    first.lists = second.lists = false;

    deliver(list({first, second}, 1));

    ASSERT_EQ(published.size(), 2U);
    EXPECT_TRUE(broker::decode(published[0].body).ok());
    EXPECT_TRUE(broker::decode(published[0].body)->lists) << "but hears that the worker reads them";
}

TEST_F(WorkerLists, OutcomesOfARefusedMessageAreToldAgainEachAlone) {
    will_find_nothing(2);
    deliver(list({read("a"), read("b")}, 1));

    confirm(0, broker::PublishStatus::nacked);
    ASSERT_TRUE(wait_for([&] { return published.size() == 3; }));

    EXPECT_THAT(tokens(1).size() + tokens(2).size(), 2U);
    confirm(1);
    EXPECT_THAT(acked, IsEmpty());
    confirm(2);
    EXPECT_THAT(acked, ElementsAre(1));
}

TEST_F(WorkerLists, NoOutcomeIsForgottenWhileThePublisherHasNoRoom) {
    will_find_nothing(2);
    room = false;
    deliver(list({read("a"), read("b")}, 1));
    deliver(delivery(read("a"), 2));  // while it waits
    room = true;

    ASSERT_TRUE(wait_for([&] { return published.size() == 2; }));
    confirm(0);
    confirm(1);
    EXPECT_THAT(acked, testing::UnorderedElementsAre(1, 2));
}

TEST_F(WorkerLists, OutcomesOfOneMessageStayBelowItsLimits) {
    will_find_nothing(70);
    std::vector<broker::Envelope> commands;
    for (int i = 0; i < 64; ++i)
        commands.push_back(read("t" + std::to_string(i)));
    deliver(delivery(read("first"), 1));
    deliver(list(commands, 2));
    deliver(delivery(read("last"), 3));

    confirm(0);
    ASSERT_EQ(published.size(), 2U);
    EXPECT_EQ(tokens(1).size(), broker::envelope_list_limit);
    confirm(1);
    ASSERT_EQ(published.size(), 3U);
    confirm(2);
    EXPECT_THAT(acked, ElementsAre(1, 2, 3));
}

TEST_F(WorkerLists, CommandsInWorkAreBoundedWhateverTheMessages) {
    SlowPeer slow;
    CommandRunner slow_runner(a_config(), slow, clock, random, recipient);
    worker = std::make_shared<Worker>(context.get_executor(), slow_runner, random, metrics, "ordersaga.outcomes", 2);
    connect();

    deliver(list({read("a"), read("b"), read("c"), read("d"), read("e")}, 1));
    ASSERT_TRUE(wait_for([&] { return slow.answered == 5; }));

    EXPECT_EQ(slow.most, 2);
}

TEST_F(WorkerLists, WhatIsNoCommandKeepsItsNeighboursOfNothing) {
    will_find_nothing(2);
    broker::Delivery mixed = list({read("a"), read("x"), read("b")}, 1);
    const std::size_t place = mixed.body.find("\"schema\":1", mixed.body.find('\n'));
    mixed.body.replace(place, 10, "\"schema\":9");

    deliver(mixed);

    ASSERT_EQ(published.size(), 1U);
    EXPECT_THAT(tokens(0), ElementsAre("a", "b"));
    EXPECT_THAT(rejected, IsEmpty()) << "not before they are answered";
    confirm(0);
    EXPECT_THAT(rejected, ElementsAre(1));
    EXPECT_THAT(acked, IsEmpty());
}

TEST_F(WorkerLists, TooManyInOneMessageGoToTheDeadLetters) {
    std::vector<broker::Envelope> commands;
    for (std::size_t i = 0; i <= broker::envelope_list_limit; ++i)
        commands.push_back(read("t" + std::to_string(i)));

    deliver(list(commands, 1));

    EXPECT_THAT(rejected, ElementsAre(1));
    EXPECT_TRUE(peer.calls.empty());
}

TEST_F(WorkerLists, EachCommandOfARedeliveredMessageIsDoubted) {
    json payload = fulfillment_payload;
    payload["reference"] = "eu.1.1.2";
    broker::Envelope second = command(sagas::activity::request_fulfillment, payload);
    second.attempt_token = "token-2";
    peer.will(answer(200, json::array({warehouse_order})));
    peer.will(refused_connection());
    broker::Delivery again = list({command(sagas::activity::request_fulfillment, fulfillment_payload), second}, 1);
    again.redelivered = true;

    deliver(again);

    ASSERT_EQ(peer.calls.size(), 2U);
    EXPECT_EQ(peer.calls[0].method, "GET");
    EXPECT_EQ(peer.calls[1].method, "GET");
    EXPECT_EQ(outcome(0).kind, OutcomeKind::done);
    EXPECT_EQ(outcome(1).kind, OutcomeKind::unknown);
}

// One of them may kill its worker: each is once the first and alone, and answered before the next one begins.
TEST_F(WorkerLists, CommandsThatCameTwiceInVainAreTakenOneAfterAnother) {
    will_find_nothing(3);
    broker::Delivery again = list({read("a"), read("b"), read("c")}, 1);
    again.redelivered = true;
    again.delivery_count = 4;

    deliver(again);
    EXPECT_EQ(peer.calls.size(), 1U);
    ASSERT_EQ(published.size(), 1U);
    EXPECT_THAT(tokens(0), ElementsAre("b")) << "4 modulo 3";

    confirm(0);
    ASSERT_EQ(published.size(), 2U);
    EXPECT_THAT(tokens(1), ElementsAre("c"));
    confirm(1);
    confirm(2);
    EXPECT_THAT(tokens(2), ElementsAre("a"));
    EXPECT_THAT(acked, ElementsAre(1));
    EXPECT_EQ(peer.calls.size(), 3U);
}

TEST_F(WorkerLists, AFirstRepeatIsTakenAtOnce) {
    will_find_nothing(2);
    broker::Delivery again = list({read("a"), read("b")}, 1);
    again.redelivered = true;
    again.delivery_count = 1;
    deliver(again);
    EXPECT_EQ(peer.calls.size(), 2U);
}

TEST_F(WorkerLists, ARepeatOfWhatIsInWorkOrKnownIsAnsweredWithoutACall) {
    will_find_nothing(2);
    const std::vector<broker::Envelope> both{read("a"), read("b")};
    deliver(list(both, 1));
    deliver(list(both, 2));  // its confirm is still to come
    EXPECT_EQ(published.size(), 1U);
    confirm(0);
    EXPECT_THAT(acked, ElementsAre(1, 2));

    deliver(list(both, 3));
    ASSERT_EQ(published.size(), 2U);
    EXPECT_THAT(tokens(1), ElementsAre("a", "b"));
    confirm(1);
    EXPECT_THAT(acked, ElementsAre(1, 2, 3));
    EXPECT_EQ(peer.calls.size(), 2U);
}

}  // namespace
}  // namespace ordersaga::activities
