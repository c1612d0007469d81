// Engines on one database, each with a connection of its own, and a hall where whoever is free takes the next input.
#pragma once

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
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ordersaga::db {

// Inputs for whichever engine comes first, and the worker that answers commands at once, if there is one.
class Hall final : public engine::CommandSink {
public:
    void has_no_worker() { answers_ = false; }
    void give(engine::Input input) {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(input));
        }
        arrived_.notify_one();
    }
    std::vector<engine::Input> take(std::size_t most) {
        std::unique_lock lock(mutex_);
        arrived_.wait_for(lock, std::chrono::milliseconds(2), [&] { return !waiting_.empty(); });
        std::vector<engine::Input> taken;
        while (!waiting_.empty() && taken.size() < most) {
            taken.push_back(std::move(waiting_.front()));
            waiting_.pop_front();
        }
        return taken;
    }
    bool is_empty() {
        const std::lock_guard lock(mutex_);
        return waiting_.empty();
    }
    void send(const std::vector<engine::CommandRow>& commands, int) override {
        if (!answers_) return;
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
    bool answers_ = true;
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

class SeveralEngines : public AMerchant {
protected:
    // One engine with all it needs, for the thread that makes it.
    struct AnEngine {
        AnEngine(
            const std::string& dsn,
            std::uint64_t number,
            engine::CommandSink& sink,
            orders::OrderParticipantSettings settings = {},
            sagas::OrderSagaSettings saga_settings = {})
            : store({dsn, "test"}, test::test_keys()),
              random(number + 1),
              definition(saga_settings),
              participant(random, settings),
              engine(store, participant, {&definition}, sink, random) {}
        PgStore store;
        runtime::SeededRandom random;
        sagas::OrderSaga definition;
        orders::OrderParticipant participant;
        engine::Engine engine;
    };

    static sagas::OrderLine a_line(const std::string& id, int listing) {
        sagas::OrderLine line;
        line.line_id = id;
        line.variant_id = std::to_string(100 + listing);
        line.quantity = line.current_quantity = line.fulfillable_quantity = 1;
        return line;
    }

    // One of each of these listings.
    sagas::OrderDocument an_order(int number, const std::vector<int>& listings) {
        sagas::OrderDocument order;
        order.order_id = std::to_string(1000 + number);
        order.name = "#" + order.order_id;
        order.created_at = order.updated_at = created_;
        order.financial_status = "paid";
        order.ship_method = "Standard";
        order.shipping_address = sagas::Address{"Ada", "1 High Street", "", "", "Oxford", "", "OX1", "GB", ""};
        for (int listing : listings)
            order.lines.push_back(a_line(order.order_id + std::to_string(order.lines.size() + 1), listing));
        return order;
    }

    static engine::Input input_of(std::any content) {
        engine::Arrival arrival;
        arrival.merchant = merchant;
        arrival.content = std::move(content);
        return {std::move(arrival), [](const engine::InputResult&) {
                }};
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
        return input_of(std::move(delivery));
    }

    engine::Input warehouse_webhook() {
        orders::Delivery delivery;
        delivery.receipt.merchant = merchant;
        delivery.receipt.store_id = {warehouse.value};
        delivery.receipt.source = "shipbob";
        delivery.receipt.topic = "order.shipped";
        delivery.receipt.webhook_id = "w" + std::to_string(++webhooks_);
        delivery.receipt.received_at = created_;
        return input_of(std::move(delivery));
    }

    // So many shirts and mugs, known to the warehouse, which was read just now.
    void stock_up(int units) {
        const std::string number = std::to_string(units);
        run_as_engine(
            "UPDATE skus SET warehouse_item_id = (9000 + sku_id)::text WHERE merchant_id = 1 AND sku_id < 3;"
            "UPDATE stores SET channel_wait_ms = 1000, points_per_second = 100000, ship_methods = "
            "'{\"Standard\":\"Std\"}'"
            " WHERE merchant_id = 1;"
            "UPDATE warehouses SET calls_per_minute = 100000 WHERE merchant_id = 1;"
            "INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, on_hand, available, version, "
            "at)"
            " SELECT merchant_id, sku_id, warehouse_id, 'adjust', 'now " +
            number + "', " + number + " - on_hand, " + number +
            " - on_hand, version + 1, now() FROM stock;"
            "UPDATE stock SET version = version + 1, read_asked_at = now(), on_hand = " +
            number + ", available = " + number);
        created_ = database_time();
    }

    // Everything that comes due by itself, now.
    void add_duties() {
        run_as_engine(R"sql(
            UPDATE listings SET wants_read = true WHERE merchant_id = 1;
            INSERT INTO duties (merchant_id, duty, subject, next_due)
            VALUES (1, 'PollOrders', 'store:1', now()), (1, 'PollOrders', 'store:2', now()),
                   (1, 'QuietReads', 'store:1', now()), (1, 'QuietReads', 'store:2', now()),
                   (1, 'ReadWarehouseStock', 'warehouse:1', now()), (1, 'PollFulfillments', 'warehouse:1', now());
        )sql");
    }

    // So many engines, which take so many inputs at a time, until nobody waits and so many sagas are in one of these states;
    // at most three minutes.
    void run_engines(int engines, std::size_t batch, int sagas, const std::string& states) {
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        for (int number = 0; number < engines; ++number) {
            threads.emplace_back([&, number] { run_engine(static_cast<std::uint64_t>(number), batch, stop); });
        }
        const std::string ended = "SELECT count(*) FROM sagas WHERE state IN (" + states + ")";
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(3);
        std::mutex idle;
        std::condition_variable never;
        while (std::chrono::steady_clock::now() < end) {
            std::unique_lock lock(idle);
            never.wait_for(lock, std::chrono::milliseconds(100));
            if (hall_.is_empty() && look(ended) == std::to_string(sagas)) break;
        }
        stop = true;
        for (std::thread& thread : threads)
            thread.join();
    }

    Hall hall_;
    Instant created_{};
    int webhooks_ = 0;
    runtime::Duration watch_interval_ = std::chrono::milliseconds(200);
    std::atomic<std::uint64_t> parked_{0}, retries_{0};

private:
    void run_engine(std::uint64_t number, std::size_t batch, std::atomic<bool>& stop) {
        orders::OrderParticipantSettings settings;
        settings.poll_orders_every = settings.read_stock_every = settings.poll_fulfillments_every =
            std::chrono::milliseconds(20);
        settings.quiet_reads_every = settings.hint_settles_after = std::chrono::milliseconds(20);
        sagas::OrderSagaSettings saga_settings;
        saga_settings.watch_interval = watch_interval_;
        OwnSink sink(hall_);
        AnEngine own(database.dsns().engine, number, sink, settings, saga_settings);
        while (!stop) {
            std::vector<engine::Input> inputs = hall_.take(batch);
            for (const auto& [command, token] : std::exchange(sink.published, {}))
                own.engine.command_published(command, token);
            for (std::int64_t id : std::exchange(sink.announced, {}))
                own.engine.announcement_published(id);
            if (!inputs.empty()) own.engine.run(inputs);
            for (engine::Input& again : inputs)
                hall_.give(std::move(again));
            own.engine.run_due();
        }
        parked_ += own.engine.counts().parked;
        retries_ += own.engine.counts().store_retries;
    }
};

}  // namespace ordersaga::db
