// Several engines on one database, each with everything to do at once: webhooks, polls, outcomes, timers, duties and
// confirmations about the same few SKUs. Nobody may ever wait for somebody who waits for him.
#include "db/verify.hpp"
#include "tests/integration/db/several_engines.hpp"

#include <cstdio>

namespace ordersaga::db {
namespace {

using namespace std::chrono_literals;

constexpr int orders_wanted = 60;

class TwoEngines : public SeveralEngines {};

// S04: an order of a bundle, its part and another part of it waited for its own lock (Medusa PR #11403).
// S11: orders that name the same SKUs the other way round met in deadlocks (Saleor PR #17123, Magento #39417).
TEST_F(TwoEngines, NeverWaitForEachOther) {
    stock_up(1000);
    run_as_engine("UPDATE stock SET read_asked_at = NULL, mirrored = false");
    add_duties();
    for (int number = 0; number < orders_wanted; ++number) {
        const bool first = number % 2 == 0;
        const int listing = first ? 1 : 4;
        // Shirt, set and mug, or set, shirt and mug: the same ledgers and listings from both ends.
        const bool turned = number % 4 < 2;
        sagas::OrderDocument order =
            an_order(number, {listing + (turned ? 2 : 0), listing + (turned ? 0 : 2), listing + 1});
        hall_.give(delivery(first ? eu : us, "orders/create", order));
        hall_.give(delivery(first ? eu : us, "orders/updated", order));
        hall_.give(delivery(first ? eu : us, "inventory_levels/update", std::nullopt));
        hall_.give(warehouse_webhook());
        if (number % 3 == 0) {
            order.cancelled_at = order.updated_at = created_ + 1s;
            hall_.give(delivery(first ? eu : us, "orders/cancelled", order));
        }
    }

    run_engines(3, 8, orders_wanted, "'FulfillmentRequested', 'Compensated'");

    EXPECT_EQ(look("SELECT count(*) FROM sagas"), std::to_string(orders_wanted));
    EXPECT_EQ(
        look("SELECT string_agg(DISTINCT state, ', ' ORDER BY state) FROM sagas"), "Compensated, FulfillmentRequested");
    EXPECT_EQ(parked_, 0U);
    // The engines' connections are closed, so their share of the figures is in.
    EXPECT_EQ(look("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), "0");
    Session session({database.dsns().engine, "test"});
    for (const LawResult& law : verify(session)) {
        EXPECT_TRUE(law.holds()) << law.law << ": " << (law.findings.empty() ? "" : law.findings.front().text);
    }
    RecordProperty("store_retries", static_cast<int>(retries_));
    std::printf("batches that began again: %d\n", static_cast<int>(retries_));
}

}  // namespace
}  // namespace ordersaga::db
