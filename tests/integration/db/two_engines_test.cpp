// Several engines on one database, each with everything to do at once: webhooks, polls, outcomes, timers, duties and
// confirmations about the same few SKUs. Nobody may ever wait for somebody who waits for him.
#include "db/verify.hpp"
#include "orchestrator/engine/engine.hpp"
#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/orders/order_participant.hpp"
#include "sagas/order_saga.hpp"
#include "tests/integration/db/a_merchant.hpp"
#include "tests/support/orchestrator/plain_worker.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace ordersaga::db {
namespace {

using namespace std::chrono_literals;

constexpr int orders_wanted = 60;
constexpr int engines = 3;

orders::Rows& rows_of(engine::Transaction& transaction) {
    return dynamic_cast<orders::Rows&>(transaction);
}

// Inputs for whichever engine comes first, and the worker that answers commands at once.
class Hall final : public engine::CommandSink {
public:
    void give(engine::Input input) {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(input));
        }
        arrived_.notify_one();
    }
    std::vector<engine::Input> take(std::size_t most) {
        std::unique_lock lock(mutex_);
        arrived_.wait_for(lock, 2ms, [&] { return !waiting_.empty(); });
        std::vector<engine::Input> taken;
        while (!waiting_.empty() && taken.size() < most) {
            taken.push_back(std::move(waiting_.front()));
            waiting_.pop_front();
        }
        return taken;
    }
    void send(const std::vector<engine::CommandRow>& commands, int) override {
        for (const engine::CommandRow& command : commands) {
            engine::Input input;
            input.content = engine::OutcomeArrived{
                command.merchant, command.saga_id, command.command_id, command.attempt_token, worker_.answer(command)};
            input.done = [](const engine::InputResult&) {
            };
            give(std::move(input));
        }
    }
    void announce(const std::vector<engine::AnnouncementRow>&) override {}

private:
    test::PlainWorker worker_{{"9001", "9002"}, 1000};
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<engine::Input> waiting_;  // guarded by mutex_
};

// What an engine confirms is known to itself alone.
class OwnSink final : public engine::CommandSink {
public:
    explicit OwnSink(Hall& hall) : hall_(hall) {}
    void send(const std::vector<engine::CommandRow>& commands, int shards) override {
        for (const engine::CommandRow& command : commands)
            published.emplace_back(command.command_id, command.attempt_token);
        hall_.send(commands, shards);
    }
    void announce(const std::vector<engine::AnnouncementRow>& rows) override {
        for (const engine::AnnouncementRow& row : rows)
            announced.push_back(row.announcement_id);
    }
    std::vector<std::pair<std::string, std::string>> published;
    std::vector<std::int64_t> announced;

private:
    Hall& hall_;
};

class TwoEngines : public AMerchant {
protected:
    static sagas::OrderLine a_line(const std::string& id, int listing) {
        sagas::OrderLine line;
        line.line_id = id;
        line.variant_id = std::to_string(100 + listing);
        line.quantity = line.current_quantity = line.fulfillable_quantity = 1;
        return line;
    }

    // Shirt and set, or set and shirt: the same ledgers and listings from both ends.
    sagas::OrderDocument an_order(int number, int first_listing) {
        sagas::OrderDocument order;
        order.order_id = std::to_string(1000 + number);
        order.name = "#" + order.order_id;
        order.created_at = order.updated_at = created_;
        order.financial_status = "paid";
        order.ship_method = "Standard";
        order.shipping_address = sagas::Address{"Ada", "1 High Street", "", "", "Oxford", "", "OX1", "GB", ""};
        const bool turned = number % 2 == 0;
        order.lines = {
            a_line(order.order_id + "1", first_listing + (turned ? 2 : 0)),
            a_line(order.order_id + "2", first_listing + (turned ? 0 : 2)),
            a_line(order.order_id + "3", first_listing + 1)};
        return order;
    }

    engine::Input delivery(sagas::StoreId shop, const std::string& topic, std::optional<sagas::OrderDocument> order) {
        orders::Delivery delivery;
        delivery.receipt.merchant = merchant;
        delivery.receipt.store_id = shop;
        delivery.receipt.source = "shopify";
        delivery.receipt.topic = topic;
        delivery.receipt.webhook_id = "w" + std::to_string(++webhooks_);
        delivery.receipt.received_at = created_;
        if (order) {
            delivery.receipt.order_id = order->order_id;
        } else {
            delivery.body = {{"inventory_item_id", 201 + webhooks_ % 6}, {"location_id", 4}, {"available", 3}};
        }
        delivery.order = std::move(order);
        engine::Arrival arrival;
        arrival.merchant = merchant;
        arrival.content = std::move(delivery);
        return {std::move(arrival), [](const engine::InputResult&) {
                }};
    }

    engine::Input warehouse_webhook() {
        orders::Delivery delivery;
        delivery.receipt.merchant = merchant;
        delivery.receipt.store_id = {warehouse.value};
        delivery.receipt.source = "shipbob";
        delivery.receipt.topic = "order.shipped";
        delivery.receipt.webhook_id = "w" + std::to_string(++webhooks_);
        delivery.receipt.received_at = created_;
        engine::Arrival arrival;
        arrival.merchant = merchant;
        arrival.content = std::move(delivery);
        return {std::move(arrival), [](const engine::InputResult&) {
                }};
    }

    void prepare() {
        run_as_engine(R"sql(
            UPDATE skus SET warehouse_item_id = (9000 + sku_id)::text WHERE merchant_id = 1 AND sku_id < 3;
            UPDATE stores SET channel_wait_ms = 1000, points_per_second = 100000 WHERE merchant_id = 1;
            UPDATE stores SET ship_methods = '{"Standard":"Std"}' WHERE merchant_id = 1;
            UPDATE warehouses SET calls_per_minute = 100000 WHERE merchant_id = 1;
            UPDATE stock SET on_hand = 1000, available = 1000, version = 1 WHERE merchant_id = 1;
            INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, on_hand, available, version, at)
            VALUES (1, 1, 1, 'adjust', 'many', 990, 990, 1, now()), (1, 2, 1, 'adjust', 'many', 990, 990, 1, now());
            UPDATE listings SET wants_read = true WHERE merchant_id = 1;
            INSERT INTO duties (merchant_id, duty, subject, next_due)
            VALUES (1, 'PollOrders', 'store:1', now()), (1, 'PollOrders', 'store:2', now()),
                   (1, 'QuietReads', 'store:1', now()), (1, 'QuietReads', 'store:2', now()),
                   (1, 'ReadWarehouseStock', 'warehouse:1', now()), (1, 'PollFulfillments', 'warehouse:1', now());
        )sql");
        created_ = database_time();
    }

    // Until nothing is left to do, or half a minute.
    void run_engines() {
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        for (int number = 0; number < engines; ++number) {
            threads.emplace_back([&, number] { run_engine(static_cast<std::uint64_t>(number), stop); });
        }
        const auto end = std::chrono::steady_clock::now() + 60s;
        const std::string open =
            "SELECT count(*) FROM sagas WHERE state NOT IN ('FulfillmentRequested', 'Compensated')";
        const std::string all = "SELECT count(*) FROM sagas";
        std::mutex idle;
        std::condition_variable never;
        while (std::chrono::steady_clock::now() < end) {
            std::unique_lock lock(idle);
            never.wait_for(lock, 100ms);
            if (look(all) == std::to_string(orders_wanted) && look(open) == "0") break;
        }
        stop = true;
        for (std::thread& thread : threads)
            thread.join();
    }

    void run_engine(std::uint64_t number, std::atomic<bool>& stop) {
        PgStore own({database.dsns().engine, "test"}, test::test_keys());
        runtime::SeededRandom random(number + 1);
        orders::OrderParticipantSettings settings;
        settings.poll_orders_every = settings.read_stock_every = settings.poll_fulfillments_every = 20ms;
        settings.quiet_reads_every = settings.hint_settles_after = 20ms;
        sagas::OrderSagaSettings saga_settings;
        saga_settings.watch_interval = 200ms;
        const sagas::OrderSaga definition(saga_settings);
        orders::OrderParticipant participant(rows_of, random, settings);
        OwnSink sink(hall_);
        engine::Engine engine(own, participant, {&definition}, sink, random);
        while (!stop) {
            std::vector<engine::Input> inputs = hall_.take(8);
            for (const auto& [command, token] : std::exchange(sink.published, {}))
                engine.command_published(command, token);
            for (std::int64_t id : std::exchange(sink.announced, {}))
                engine.announcement_published(id);
            if (!inputs.empty()) engine.run(inputs);
            for (engine::Input& again : inputs)
                hall_.give(std::move(again));
            engine.run_due();
        }
        parked_ += engine.counts().parked;
        retries_ += engine.counts().store_retries;
    }

    Hall hall_;
    Instant created_{};
    int webhooks_ = 0;
    std::atomic<std::uint64_t> parked_{0}, retries_{0};
};

TEST_F(TwoEngines, NeverWaitForEachOther) {
    prepare();
    std::vector<engine::Input> late;
    for (int number = 0; number < orders_wanted; ++number) {
        const bool first = number % 2 == 0;
        sagas::OrderDocument order = an_order(number, first ? 1 : 4);
        hall_.give(delivery(first ? eu : us, "orders/create", order));
        hall_.give(delivery(first ? eu : us, "orders/updated", order));
        hall_.give(delivery(first ? eu : us, "inventory_levels/update", std::nullopt));
        hall_.give(warehouse_webhook());
        if (number % 3 == 0) {
            order.cancelled_at = order.updated_at = created_ + 1s;
            hall_.give(delivery(first ? eu : us, "orders/cancelled", order));
        }
    }

    run_engines();

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
