// The way back while everything goes wrong with it, on the whole engine: nothing goes forward again once it began, each
// effect that was applied is undone once, and what cannot be undone is left where a person sees it.
#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using sagas::OutcomeKind;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = engine::InputResult::Kind;
namespace activity = sagas::activity;

constexpr const char* id = "100";
const json by_operator = {{"by", "operator"}, {"reason", "a call"}};

class Undo : public testing::Test {
protected:
    void SetUp() override {
        shop.order(id, eu, shirt, 2);
        shop.pass(11s);
        ASSERT_EQ(shop.state(id), "ChannelsSynced");
    }

    void begin_after_acceptance() {
        shop.accept(id);
        ASSERT_EQ(shop.state(id), "FulfillmentRequested");
        begin();
        ASSERT_EQ(shop.state(id), "CancellingFulfillment");
    }
    // The warehouse says that it is busy, and for how long.
    engine::CommandRow send_back() {
        const engine::CommandRow request = shop.the_open(activity::request_fulfillment);
        sagas::Outcome busy = ended(OutcomeKind::throttled);
        busy.retry_after = 55s;
        shop.end(request, busy);
        return request;
    }
    void begin() { ASSERT_EQ(shop.tell(id, "CancelRequested", by_operator).kind, Kind::applied); }

    // One attempt of the open command ends; then so much time passes that the next one is sent.
    void attempt(std::string_view name, OutcomeKind kind) {
        shop.end(name, ended(kind, "no answer"));
        shop.pass(1min);
        for (int i = 0; i < 100 && shop.has_open(name) && !is_sent(name); ++i)
            shop.pass(10min);
    }
    bool is_sent(std::string_view name) const { return shop.the_open(name).state == engine::CommandState::sent; }

    void end_of_the_way_back() {
        shop.pass(11s);
        ASSERT_EQ(shop.state(id), "SettlingOrder");
        shop.end(activity::settle_store_order, done({{"settled", "cancelled"}}));
    }

    // Movements that give stock back: what was reserved, or what was committed.
    std::size_t undone() const {
        const auto& all = shop.store.tables().movements;
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& entry) {
            return entry.second.kind == "release" || entry.second.kind == "return";
        }));
    }
    json view(const std::string& state) const {
        return {
            {"reference", shop.data(id).fulfillments.back().reference},
            {"warehouse_order_id", "55"},
            {"state", state},
            {"shipments", json::array()}};
    }
    void expect_undone_once() {
        EXPECT_EQ(undone(), 1U);
        EXPECT_EQ(shop.stock(shirt).available + shop.stock(shirt).returning, 10) << "as before the order";
        EXPECT_EQ(shop.stock(shirt).reserved, 0);
        EXPECT_EQ(shop.stock(shirt).committed, 0);
        EXPECT_EQ(shop.laws(), "");
    }
    void expect_held_for_a_person() {
        EXPECT_EQ(shop.state(id), "NeedsOperator");
        EXPECT_THAT(shop.incidents(), Not(IsEmpty()));
        EXPECT_EQ(undone(), 0U) << "what may still be sent is not sold again";
        EXPECT_EQ(shop.laws(), "");
    }

    AMerchant shop;
};

TEST_F(Undo, ThatFailsForEverIsLeftToAPersonWithItsStock) {
    begin_after_acceptance();
    int attempts = 0;
    for (; attempts < 100 && shop.state(id) == "CancellingFulfillment"; ++attempts)
        attempt(activity::cancel_fulfillment, OutcomeKind::retryable);
    expect_held_for_a_person();
    EXPECT_GT(attempts, 5) << "it did not give up at once";
}

TEST_F(Undo, ThatFailsFiftyTimesIsDoneOnce) {
    begin_after_acceptance();
    int failures = 0;
    while (failures < 50) {
        if (shop.state(id) == "NeedsOperator") shop.tell(id, "OperatorRetried");
        ASSERT_EQ(shop.state(id), "CancellingFulfillment");
        attempt(activity::cancel_fulfillment, OutcomeKind::unknown);
        ++failures;
    }
    if (shop.state(id) == "NeedsOperator") shop.tell(id, "OperatorRetried");
    shop.end(activity::cancel_fulfillment, done({{"found", true}, {"view", view("Cancelled")}}));
    end_of_the_way_back();
    EXPECT_EQ(shop.state(id), "Compensated");
    EXPECT_FALSE(shop.saga(id).incident) << "nobody has to look any more";
    expect_undone_once();
}

TEST_F(Undo, ThatComesTooLateUndoesNothing) {
    begin_after_acceptance();
    shop.end(activity::cancel_fulfillment, [&] {
        sagas::Outcome late = ended(OutcomeKind::too_late);
        late.payload = {{"view", view("InProgress")}};
        return late;
    }());
    EXPECT_EQ(shop.state(id), "FulfillmentRequested");
    EXPECT_EQ(undone(), 0U);
    shop.ship(id);
    EXPECT_EQ(shop.stock(shirt).available, 8);
    EXPECT_EQ(shop.laws(), "");
}

// A warehouse that accepted it denies it: its list may be behind. Who believed it at once would sell what leaves tomorrow.
TEST_F(Undo, OfWhatIsNotFoundIsBelievedTheSecondTimeOnly) {
    begin_after_acceptance();
    shop.end(activity::cancel_fulfillment, done({{"found", false}}));
    expect_held_for_a_person();

    shop.tell(id, "OperatorRetried");
    shop.end(activity::cancel_fulfillment, done({{"found", false}}));
    end_of_the_way_back();
    EXPECT_EQ(shop.state(id), "Compensated");
    expect_undone_once();
    EXPECT_EQ(shop.open(activity::find_fulfillment).size(), 3U) << "and looked for all the same";
}

// The second part is called back, the first has been picked.
TEST_F(Undo, ThatIsHalfDoneTellsWhichHalf) {
    shop.accept(id);
    sagas::OrderDocument order = an_order(id, eu, shirt, 2);
    order.lines.push_back(a_line("1009", eu, mug, 1));
    order.updated_at += 1min;
    shop.deliver(eu, "orders/updated", order);
    shop.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    shop.pass(11s);
    shop.accept(id);
    ASSERT_EQ(shop.data(id).newest_part(), 2);

    begin();
    shop.end(activity::cancel_fulfillment, done({{"found", true}, {"view", view("Cancelled")}}));
    ASSERT_EQ(shop.state(id), "CancellingFulfillment") << "the first part is next";
    shop.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));

    EXPECT_EQ(shop.state(id), "FulfillmentRequested");
    EXPECT_EQ(shop.stock(mug).committed, 0);
    EXPECT_EQ(shop.stock(shirt).committed, 2);
    EXPECT_EQ(undone(), 1U);
    EXPECT_EQ(shop.laws(), "");
}

// The engine dies after each step of the way back; another one has nothing but the rows.
TEST_F(Undo, GoesOnInAnotherEngineAfterADeathAtAnyStep) {
    begin_after_acceptance();
    shop.begin_anew();
    shop.end(activity::cancel_fulfillment, done({{"found", true}, {"view", view("Cancelled")}}));
    shop.begin_anew();
    shop.pass(11s);
    shop.begin_anew();
    shop.end(activity::settle_store_order, done({{"settled", "cancelled"}}));
    shop.begin_anew();
    EXPECT_EQ(shop.state(id), "Compensated");
    expect_undone_once();
}

// The request is back, but a second run of it may still be under way: the cancel waits for as long, and no longer.
TEST_F(Undo, WaitsUntilNoRunOfTheRequestCanBeUnderWay) {
    const engine::CommandRow request = send_back();
    begin();
    EXPECT_EQ(shop.state(id), "ChannelsSynced");
    shop.end(request, done({{"view", view("Accepted")}}));
    EXPECT_EQ(shop.state(id), "CancellingFulfillment") << "there is something to call back";
    EXPECT_EQ(shop.stock(shirt).committed, 2);
}

TEST_F(Undo, OfARequestThatIsBackDoesNotWaitForItsPeer) {
    send_back();
    begin();
    shop.pass(16s);
    EXPECT_EQ(shop.state(id), "RevertingChannels");
    EXPECT_THAT(shop.open(activity::request_fulfillment), IsEmpty());
    end_of_the_way_back();
    EXPECT_EQ(shop.state(id), "Compensated");
    expect_undone_once();
}

// A worker was frozen in its call for so long that the request was taken for unsent and withdrawn.
TEST_F(Undo, IsNotTurnedBackByALateForwardOutcome) {
    const engine::CommandRow request = send_back();
    shop.pass(16s);
    begin();
    ASSERT_EQ(shop.state(id), "RevertingChannels");
    EXPECT_THAT(shop.open(activity::request_fulfillment), IsEmpty());

    const sagas::Outcome accepted = done({{"view", view("Accepted")}});
    EXPECT_EQ(shop.end(request, accepted).kind, Kind::duplicate);
    EXPECT_EQ(shop.state(id), "RevertingChannels");
    EXPECT_EQ(shop.stock(shirt).committed, 0);

    // The warehouse shows it before or after the end: it is cancelled there, and somebody hears of it.
    end_of_the_way_back();
    ASSERT_EQ(shop.state(id), "Compensated");
    shop.tell(id, "FulfillmentViewed", {{"view", view("Accepted")}});
    EXPECT_TRUE(shop.has_open(activity::cancel_fulfillment));
    EXPECT_THAT(shop.incidents(), Contains(HasSubstr("given up exists at the warehouse")));
    shop.end(activity::cancel_fulfillment, done({{"found", true}, {"view", view("Cancelled")}}));
    EXPECT_EQ(shop.state(id), "Compensated");
    expect_undone_once();
}

// --- outcomes that nobody knows

class UnknownOutcome : public Undo {};

TEST_F(UnknownOutcome, HasAnIntentRowBeforeAnythingLeaves) {
    // The sink hands out what was sent: each has its row, with its reference and its key, before.
    const engine::CommandRow sent = shop.the_open(activity::request_fulfillment);
    EXPECT_EQ(sent.state, engine::CommandState::sent);
    EXPECT_FALSE(sent.idempotency_key.empty());
    EXPECT_EQ(sent.payload.at("reference"), shop.data(id).fulfillments.back().reference);
}

TEST_F(UnknownOutcome, IsAskedForByReferenceAfterACrash) {
    shop.begin_anew();
    shop.pass(21s);  // its deadline passed in silence
    shop.pass(1min);
    const engine::CommandRow next = shop.the_open(activity::request_fulfillment);
    EXPECT_EQ(next.attempt, 2);
    EXPECT_TRUE(next.lookup_first);
    EXPECT_EQ(next.idempotency_key, "request:" + shop.data(id).fulfillments.back().reference);
    shop.end(next, done({{"view", view("Accepted")}}));
    EXPECT_EQ(shop.state(id), "FulfillmentRequested");
    EXPECT_EQ(shop.stock(shirt).committed, 2);
}

TEST_F(UnknownOutcome, ThatNobodyCanTellBecomesAnIncident) {
    for (int i = 0; i < 100 && shop.state(id) == "ChannelsSynced"; ++i)
        attempt(activity::request_fulfillment, OutcomeKind::unknown);
    expect_held_for_a_person();
    EXPECT_TRUE(shop.data(id).fulfillments.back().perhaps_exists);
}

// The store keeps an idempotency key for an hour. A write whose outcome is unknown for longer is never sent again: the level
// itself is read.
TEST_F(UnknownOutcome, OfAWriteWhoseKeyTheStoreHasForgottenIsReadAndNotRepeated) {
    AMerchant other;
    other.order("200", eu, shirt, 2);
    const auto first = other.the_open(activity::flush_stock, "store:2");
    for (int minutes = 0; minutes < 55; ++minutes) {
        other.end(other.the_open(activity::flush_stock, "store:2"), ended(OutcomeKind::unknown, "no answer"));
        for (int i = 0; i < 6 && other.the_open(activity::flush_stock, "store:2").state != engine::CommandState::sent;
             ++i)
            other.pass(10s);
        ASSERT_EQ(other.the_open(activity::flush_stock, "store:2").payload.at("key"), first.payload.at("key"));
        ASSERT_EQ(other.the_open(activity::flush_stock, "store:2").payload.at("body"), first.payload.at("body"));
    }
    for (int i = 0; i < 60 && other.has_open(activity::flush_stock, "store:2"); ++i) {
        const engine::CommandRow open = other.the_open(activity::flush_stock, "store:2");
        if (open.command_id != first.command_id) break;
        if (open.state == engine::CommandState::sent) other.end(open, ended(OutcomeKind::unknown, "no answer"));
        other.pass(1min);
    }
    EXPECT_FALSE(other.has_open(activity::flush_stock, "store:2")) << "not under a new key either";
    EXPECT_TRUE(other.listing(us, shirt).wants_read) << "nothing is sent until it was read";
    EXPECT_EQ(other.laws(), "");
}

}  // namespace
}  // namespace ordersaga::orders
