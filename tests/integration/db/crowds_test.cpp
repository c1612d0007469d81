// Crowds of orders on several engines over PostgreSQL: failures that other systems had (docs/scenarios.md).
#include "db/verify.hpp"
#include "tests/integration/db/several_engines.hpp"

#include <algorithm>
#include <memory>

namespace ordersaga::db {
namespace {

using namespace std::chrono_literals;

constexpr const char* decided = "'Reserved', 'ChannelsSynced', 'FulfillmentRequested', 'SettlingOrder', 'OutOfStock'";

class Crowds : public SeveralEngines {
protected:
    void SetUp() override { stock_up(1000); }
    void TearDown() override { as_admin("DROP FUNCTION IF EXISTS before_stock CASCADE"); }

    void as_admin(const std::string& script) {
        Connection connection({database.admin_dsn(), "test"});
        connection.transact([&](Transaction& transaction) { transaction.run_script(script); });
    }
    // Runs in the database before every write of stock.
    void before_stock_is_written(const std::string& body) {
        as_admin(
            "CREATE FUNCTION before_stock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + body +
            " RETURN NULL; END $$;"
            "CREATE TRIGGER before_stock BEFORE UPDATE ON stock FOR EACH STATEMENT EXECUTE FUNCTION before_stock()");
    }
    void expect_laws() {
        Session session({database.dsns().engine, "test"});
        for (const LawResult& law : verify(session)) {
            EXPECT_TRUE(law.holds()) << law.law << ": " << (law.findings.empty() ? "" : law.findings.front().text);
        }
    }
    // Until the database says so; false after a while.
    bool wait_until(const std::string& query, const std::string& value, std::chrono::milliseconds most) {
        const auto end = std::chrono::steady_clock::now() + most;
        std::mutex idle;
        std::condition_variable never;
        while (look(query) != value) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::unique_lock lock(idle);
            never.wait_for(lock, 5ms);
        }
        return true;
    }
};

// S08: without a look at how many rows an update had changed, 1,000 units were reserved 4,800 times (measured in a
// prototype).
TEST_F(Crowds, Of4800OrdersFor1000UnitsExactly1000HaveARow) {
    constexpr int wanted = 4800, units = 1000;
    hall_.has_no_worker();
    for (int number = 0; number < wanted; ++number) {
        const bool first = number % 2 == 0;
        hall_.give(delivery(first ? eu : us, "orders/create", an_order(number, {first ? 1 : 4})));
    }

    run_engines(2, 300, wanted, decided);

    EXPECT_EQ(look("SELECT count(*) FROM sagas"), std::to_string(wanted));
    EXPECT_EQ(look("SELECT count(*) FROM sagas WHERE state = 'SettlingOrder'"), std::to_string(wanted - units));
    EXPECT_EQ(look("SELECT count(*) || ' ' || sum(held) FROM reservations WHERE held + committed > 0"), "1000 1000");
    EXPECT_EQ(look("SELECT available || ' ' || reserved FROM stock WHERE sku_id = 1"), "0 1000");
    EXPECT_EQ(look("SELECT count(*) FROM stock_movements WHERE kind = 'grant'"), "1000");
    EXPECT_EQ(parked_, 0U);
    expect_laws();
}

// S02: somebody else came between the check and the allocation (Vendure #3508). Here the check is held up as it writes,
// until the other one is there; so the other one can only decide by what was written.
TEST_F(Crowds, NobodyComesBetweenTheCheckAndTheGrant) {
    stock_up(1);
    before_stock_is_written("PERFORM pg_advisory_xact_lock(7);");
    std::vector<std::thread> buyers;
    Connection gate({database.admin_dsn(), "test"});
    gate.transact([&](Transaction& transaction) {
        transaction.run_script("SELECT pg_advisory_xact_lock(7)");
        for (int number = 0; number < 2; ++number) {
            const int listing = number == 0 ? 1 : 4;
            auto input = std::make_shared<engine::Input>(
                delivery(number == 0 ? eu : us, "orders/create", an_order(number, {listing})));
            buyers.emplace_back([this, number, input] {
                OwnSink sink(hall_);
                AnEngine own(database.dsns().engine, static_cast<std::uint64_t>(number), sink);
                std::vector<engine::Input> inputs;
                inputs.push_back(std::move(*input));
                while (!own.engine.run(inputs)) {
                }
            });
        }
        const std::string waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        EXPECT_TRUE(wait_until(waiting, "2", 900ms)) << "one in the middle of its grant, one behind it";
    });
    for (std::thread& buyer : buyers)
        buyer.join();

    EXPECT_EQ(look("SELECT string_agg(state, ', ' ORDER BY state) FROM sagas"), "ChannelsSynced, SettlingOrder");
    EXPECT_EQ(look("SELECT count(*) || ' ' || sum(held) FROM reservations WHERE held > 0"), "1 1");
    EXPECT_EQ(look("SELECT available || ' ' || reserved FROM stock WHERE sku_id = 1"), "0 1");
    expect_laws();
}

// S12: a serialization failure or a deadlock was shown to the buyer, and the order was lost (Magento #39417). Here the
// database says so to every third write of stock.
TEST_F(Crowds, OfAHundredOrdersNoneIsLostToSerializationFailuresAndDeadlocks) {
    constexpr int wanted = 100;
    watch_interval_ = 1h;
    before_stock_is_written(
        "IF random() < 0.33 THEN RAISE EXCEPTION 'begin again'"
        " USING ERRCODE = CASE WHEN random() < 0.5 THEN '40001' ELSE '40P01' END; END IF;");
    for (int number = 0; number < wanted; ++number) {
        const bool first = number % 2 == 0;
        hall_.give(delivery(first ? eu : us, "orders/create", an_order(number, {first ? 1 : 4, first ? 2 : 5})));
    }

    run_engines(3, 4, wanted, "'FulfillmentRequested'");

    EXPECT_EQ(look("SELECT count(*) FROM sagas WHERE state = 'FulfillmentRequested'"), std::to_string(wanted));
    EXPECT_EQ(look("SELECT count(*) FROM sagas"), std::to_string(wanted));
    EXPECT_EQ(parked_, 0U);
    EXPECT_GT(retries_, 5U) << "the fault did not happen";
    expect_laws();
}

// S25: a webhook and another way finished the same order within milliseconds, and the stock went down twice (WooCommerce
// #38786, WooPayments #3345). Here every order comes by webhook, by another topic and by a poll, on three engines.
TEST_F(Crowds, AnOrderThatComesByTwoWaysAtOnceTakesItsStockOnce) {
    constexpr int wanted = 60;
    hall_.has_no_worker();
    for (int number = 0; number < wanted; ++number) {
        const sagas::OrderDocument order = an_order(number, {1, 2});
        orders::PolledOrders polled;
        polled.merchant = merchant;
        polled.store_id = eu;
        polled.source = "poll of the store";
        polled.orders = {order};
        hall_.give(delivery(eu, "orders/create", order));
        hall_.give(input_of(polled));
        hall_.give(delivery(eu, "orders/paid", order));
    }

    run_engines(3, 1, wanted, decided);

    EXPECT_EQ(look("SELECT count(*) FROM sagas"), std::to_string(wanted));
    EXPECT_EQ(look("SELECT count(*) FROM stock_movements WHERE kind = 'grant'"), std::to_string(2 * wanted));
    EXPECT_EQ(look("SELECT count(*) FROM listing_moves WHERE kind = 'sale'"), std::to_string(2 * wanted));
    EXPECT_EQ(look("SELECT string_agg(reserved::text, ' ') FROM stock"), "60 60");
    EXPECT_EQ(parked_, 0U);
    expect_laws();
}

// S37: the same event came five times, two of them in the same millisecond to two processes, and made two orders
// (ShopifySharp #919, Kyon147 #130).
TEST_F(Crowds, ADeliveryThatComesFiveTimesToTwoEnginesMakesOneSaga) {
    constexpr int wanted = 40, times = 5;
    hall_.has_no_worker();
    for (int number = 0; number < wanted; ++number) {
        for (int time = 0; time < times; ++time) {
            webhooks_ = number;  // under one id
            hall_.give(delivery(eu, "orders/create", an_order(number, {1})));
        }
    }

    run_engines(2, 1, wanted, decided);

    EXPECT_EQ(look("SELECT count(*) FROM sagas"), std::to_string(wanted));
    EXPECT_EQ(look("SELECT count(*) FROM webhook_receipts"), std::to_string(wanted));
    EXPECT_EQ(look("SELECT reserved FROM stock WHERE sku_id = 1"), std::to_string(wanted));
    EXPECT_EQ(parked_, 0U);
    expect_laws();
}

// Asks, at the moment a command leaves for its call, whether anybody holds a row.
class AskingSink final : public engine::CommandSink {
public:
    explicit AskingSink(const std::string& dsn) : probe_({dsn, "test"}) {}
    void send(const std::vector<engine::CommandRow>& commands, int) override {
        for (const engine::CommandRow& command : commands)
            sent.push_back(command.activity);
        probe_.transact([&](Transaction& transaction) {
            for (const char* table : {"stock", "sagas", "orders", "commands", "listings", "flushes", "lanes", "stores"})
                transaction.query(std::string("SELECT FROM ") + table + " FOR UPDATE NOWAIT");
            open_transactions += transaction
                                     .query(
                                         "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                                         " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
                                         " AND backend_type = 'client backend'")
                                     .size();
        });
    }
    void announce(const std::vector<engine::AnnouncementRow>&) override {}

    std::vector<std::string> sent;
    std::size_t open_transactions = 0;

private:
    Connection probe_;
};

// S13: a row was locked while a payment provider thought about it for half a minute, and every order of that article
// waited (Saleor PR #11169). Here calls are asked for and none is ever answered; the orders go on.
TEST_F(Crowds, NoRowIsHeldWhileAPeerIsCalled) {
    constexpr int wanted = 40;
    run_as_engine("UPDATE stores SET channel_wait_ms = 0; UPDATE listings SET wants_read = false, believed = 1000");
    AskingSink sink(database.admin_dsn());
    AnEngine own(database.dsns().engine, 1, sink);
    for (int number = 0; number < wanted; ++number) {
        std::vector<engine::Input> inputs;
        inputs.push_back(delivery(eu, "orders/create", an_order(number, {1})));
        ASSERT_TRUE(own.engine.run(inputs));
        ASSERT_TRUE(own.engine.run_due());
    }
    EXPECT_GE(std::count(sink.sent.begin(), sink.sent.end(), "RequestFulfillment"), 2) << "calls are under way";
    EXPECT_GE(std::count(sink.sent.begin(), sink.sent.end(), "FlushStock"), 1);
    EXPECT_EQ(sink.open_transactions, 0U);
    EXPECT_EQ(own.engine.counts().store_retries, 0U);
    EXPECT_EQ(look("SELECT reserved FROM stock WHERE sku_id = 1"), std::to_string(wanted));
}

}  // namespace
}  // namespace ordersaga::db
