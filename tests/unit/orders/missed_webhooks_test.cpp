// A store whose webhooks do not all come, and its own list of orders, which the poll reads.
#include "tests/unit/orders/a_merchant.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using sagas::OutcomeKind;
namespace activity = sagas::activity;

constexpr std::size_t page = 200;

class ForgetfulStore {
public:
    explicit ForgetfulStore(AMerchant& shop) : shop_(shop) {
        engine::DutyRow duty;
        duty.merchant = merchant;
        duty.duty = duty::poll_orders;
        duty.subject = "store:1";
        duty.next_due = shop.clock.now();
        shop.store.add_duty(duty);
    }

    void sells_one(bool tells) {
        sagas::OrderDocument order = an_order(std::to_string(1000 + orders_.size()), eu, shirt, 1);
        order.created_at = order.updated_at = shop_.clock.now();
        orders_.push_back(order);
        if (tells) shop_.deliver(eu, "orders/create", order);
    }

    // Answers every poll under way, page by page, or with nothing but a refusal.
    void is_polled(bool away) {
        for (int answers = 0; answers < 100; ++answers) {
            std::vector<engine::CommandRow> sent = shop_.open(activity::poll_orders);
            std::erase_if(sent, [](const auto& row) { return row.state != engine::CommandState::sent; });
            if (sent.empty()) return;
            shop_.end(sent.front(), away ? ended(OutcomeKind::retryable, "away") : answer(sent.front().payload));
        }
        FAIL() << "the poll comes to no end";
    }

    const std::vector<sagas::OrderDocument>& orders() const { return orders_; }
    std::size_t listed() const { return listed_; }
    std::size_t read() const { return read_; }

private:
    sagas::Outcome answer(const json& asked) {
        return done(asked.contains("order_ids") ? documents(asked) : list(asked));
    }

    json documents(const json& asked) {
        json answer = asked.at("list");
        for (const sagas::OrderDocument& order : orders_) {
            const json& ids = asked.at("order_ids");
            if (std::find(ids.begin(), ids.end(), order.order_id) == ids.end()) continue;
            answer["orders"].push_back(to_json(order));
            ++read_;
        }
        return answer;
    }

    json list(const json& asked) {
        const Instant since = *runtime::parse_rfc3339(asked.at("orders_since").get<std::string>());
        std::size_t next = asked.contains("after") ? std::stoul(asked.at("after").get<std::string>()) : 0;
        json seen = json::object();
        for (; next < orders_.size() && seen.size() < page; ++next) {
            if (orders_[next].updated_at < since) continue;
            seen[orders_[next].order_id] = stamp_of(orders_[next]);
            ++listed_;
        }
        const bool complete = next == orders_.size();
        json payload = {
            {"seen", seen}, {"complete", complete}, {"polled_until", runtime::format_rfc3339(shop_.clock.now())}};
        if (!complete) payload["after"] = std::to_string(next);
        return payload;
    }

    AMerchant& shop_;
    std::vector<sagas::OrderDocument> orders_;
    std::size_t listed_ = 0, read_ = 0;
};

// A store that is asked for more than it does would be listened to when the rush is over.
TEST(MissedWebhooks, AreHeardOfAlsoWhileTheStoreIsBusy) {
    AMerchant shop;
    const ForgetfulStore store(shop);
    shop.due();
    sagas::Outcome busy = ended(OutcomeKind::throttled, "429");
    busy.retry_after = 55s;
    shop.end(shop.the_open(activity::poll_orders), busy);
    const int before = shop.the_open(activity::poll_orders).priority;
    for (int i = 0; i < 4 && shop.the_open(activity::poll_orders).priority == before; ++i) {
        shop.pass(20s);
        if (shop.the_open(activity::poll_orders).state == engine::CommandState::sent)
            shop.end(shop.the_open(activity::poll_orders), busy);
    }
    EXPECT_GT(before, engine::asked_first);
    EXPECT_EQ(shop.the_open(activity::poll_orders).priority, engine::asked_first) << "it has waited for a minute";
}

// S40: some webhooks were lost, then the subscription for two hours, and nobody missed the orders (gnikyt/laravel-shopify
// #591, #936). Here one of forty, and for half of the two hours the store does not answer the poll either.
TEST(MissedWebhooks, AreFoundByThePollAndNoOrderTwice) {
    AMerchant::Options options;
    options.units = 10'000;
    AMerchant shop(options);
    ForgetfulStore store(shop);
    std::size_t lost = 0;
    for (int minute = 0; minute < 165; ++minute) {
        const bool no_subscription = minute >= 15 && minute < 135;
        const bool away = minute >= 15 && minute < 75;
        for (int order = 0; order < 2; ++order) {
            const bool tells = !no_subscription && store.orders().size() % 40 != 7;
            if (!tells) ++lost;
            store.sells_one(tells);
            for (int look = 0; look < 2; ++look) {
                shop.pass(15s);
                store.is_polled(away);
            }
        }
    }
    shop.pass(61s);
    store.is_polled(false);
    shop.pass(6s);

    const auto orders = static_cast<std::int64_t>(store.orders().size());
    EXPECT_GT(lost, 240U) << "the two hours, and one or the other besides";
    EXPECT_GT(store.listed(), 2 * store.orders().size()) << "the polls overlap";
    EXPECT_EQ(store.read(), lost) << "a document is read once, and of no order that was known";
    EXPECT_EQ(shop.store.tables().orders.size(), store.orders().size());
    EXPECT_EQ(shop.store.tables().sagas.size(), store.orders().size());
    for (const sagas::OrderDocument& order : store.orders())
        EXPECT_NE(shop.state(order.order_id), "Received") << order.order_id;
    EXPECT_EQ(shop.stock(shirt).available, 10'000 - orders);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 10'000 - orders) << "each sale was counted once";
    EXPECT_EQ(shop.laws(), "");
}

// Thousands of them, read as fast as a store tells them, would take the engine's turns from those who come by themselves.
TEST(MissedWebhooks, ManyAreReadInPagesWithARestBetweenThem) {
    AMerchant::Options options;
    options.units = 10'000;
    AMerchant shop(options);
    ForgetfulStore store(shop);
    for (int order = 0; order < 120; ++order)
        store.sells_one(false);
    shop.due();
    store.is_polled(false);
    EXPECT_EQ(store.read(), 50U) << "a page at once";
    shop.deliver(eu, "orders/create", store.orders()[110]);
    shop.pass(2400ms);
    store.is_polled(false);
    EXPECT_EQ(store.read(), 50U) << "then a rest";
    shop.pass(100ms);
    store.is_polled(false);
    EXPECT_EQ(store.read(), 100U);
    shop.pass(2500ms);
    store.is_polled(false);
    EXPECT_EQ(store.read(), 119U) << "but for the one that has come by itself";
    EXPECT_EQ(shop.store.tables().orders.size(), 120U);
    EXPECT_EQ(shop.laws(), "");
}

// A warehouse that changed more in one instant than it tells at once is asked for the rest of that instant.
TEST(MissedWebhooks, TheRestOfAWarehousesChangesIsAskedForWhereItWasCut) {
    AMerchant shop;
    engine::DutyRow duty;
    duty.merchant = merchant;
    duty.duty = duty::poll_fulfillments;
    duty.subject = "warehouse:1";
    duty.next_due = shop.clock.now();
    shop.store.add_duty(duty);
    shop.due();
    const std::string at = runtime::format_rfc3339(shop.clock.now());
    const auto told = [&](bool complete) {
        json payload = {{"views", json::array()}, {"changed_until", at}, {"complete", complete}};
        if (!complete) payload["told_to"] = "150004199";
        return done(payload);
    };
    EXPECT_FALSE(shop.the_open(activity::poll_fulfillments).payload.contains("told_to"));
    shop.end(activity::poll_fulfillments, told(false));
    shop.due();
    const json rest = shop.the_open(activity::poll_fulfillments).payload;
    EXPECT_EQ(rest.at("changed_since"), at);
    EXPECT_EQ(rest.at("told_to"), "150004199");
    shop.end(activity::poll_fulfillments, told(true));
    shop.pass(1h);
    EXPECT_FALSE(shop.the_open(activity::poll_fulfillments).payload.contains("told_to")) << "the next poll begins anew";
}

}  // namespace
}  // namespace ordersaga::orders
