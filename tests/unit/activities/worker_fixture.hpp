// A worker between lists: what it is given, what it publishes and settles, and a scripted peer.
#pragma once

#include "activities/command_runner.hpp"
#include "activities/worker.hpp"
#include "runtime/log.hpp"
#include "runtime/random.hpp"
#include "sagas/activities.hpp"
#include "tests/unit/activities/one_recipient.hpp"
#include "tests/unit/activities/peers.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::activities {

using nlohmann::json;
using sagas::OutcomeKind;
using namespace tests;  // answer, lost_answer, ScriptedPeer

inline WorkerConfig a_config() {
    WorkerConfig config;
    config.stores = {{"eu", "http://127.0.0.1:1/shopify/eu", "2026-07", "shpat_secret"}};
    config.warehouses = {{"main", "shipbob", "http://127.0.0.1:1/shipbob/main", "2026-01", "7", "wms-secret"}};
    return config;
}

inline const json fulfillment_payload = json::parse(R"({
  "warehouse": "main", "reference": "eu.1.1.1", "request_key": "k", "order_number": "#1", "ship_method": "Standard",
  "lines": [{"line_id": "7", "sku": "TEE", "warehouse_item_id": "11", "quantity": 1}], "call_deadline_ms": 5000})");

inline const json warehouse_order = json::parse(
    R"({"id": 900, "reference_id": "eu.1.1.1", "status": "Processing", "products": [{"id": 11, "quantity": 1}]})");

class WorkerTest : public testing::Test {
protected:
    WorkerTest() { connect(); }

    void connect() {
        worker->connect(
            {[this](broker::DeliveryHandle handle) { acked.push_back(handle.sequence); },
             [this](broker::DeliveryHandle handle) { rejected.push_back(handle.sequence); },
             [this](broker::Message message) {
                 if (!room) return false;
                 published.push_back(std::move(message));
                 return true;
             }});
    }

    broker::Envelope command(std::string_view activity, const json& payload) {
        broker::Envelope envelope;
        envelope.kind = broker::EnvelopeKind::command;
        envelope.message_id = "m1";
        envelope.merchant_id = "1";
        envelope.saga_id = "saga-1";
        envelope.activity = std::string(activity);
        envelope.attempt = 3;
        envelope.attempt_token = "token-1";
        envelope.reply_to = "outcome.5";
        envelope.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        envelope.payload = payload.dump();
        envelope.send_before = *clock.time + std::chrono::seconds(5);
        envelope.deadline = *clock.time + std::chrono::seconds(20);
        return envelope;
    }

    broker::Delivery delivery(const broker::Envelope& envelope, std::uint64_t sequence, bool redelivered = false) {
        broker::Delivery delivery;
        delivery.handle = {1, sequence};
        delivery.body = broker::encode(envelope).value();
        delivery.redelivered = redelivered;
        return delivery;
    }

    void deliver(broker::Delivery one) {
        worker->on_deliveries({std::move(one)});
        settle_everything();
    }
    void confirm(std::size_t message, broker::PublishStatus status = broker::PublishStatus::confirmed) {
        worker->on_results({{published.at(message).tag, published.at(message).message_id, status, "test"}});
        settle_everything();
    }
    void settle_everything() {
        context.restart();
        context.poll();
    }
    // Runs timers too, until a condition holds or the time is up.
    template <class Condition>
    bool wait_for(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (!condition() && std::chrono::steady_clock::now() < end) {
            context.restart();
            context.run_one_for(std::chrono::milliseconds(50));
        }
        return condition();
    }
    sagas::Outcome outcome(std::size_t message) const {
        const broker::Envelope envelope = broker::decode(published.at(message).body).value();
        return sagas::outcome_from_json(json::parse(envelope.payload));
    }

    ScriptedPeer peer;
    FixedDatabaseClock clock;
    runtime::SeededRandom random{1};
    runtime::Metrics metrics;
    runtime::LogCapture log;
    boost::asio::io_context context{1};
    std::shared_ptr<OneRecipient> recipient = std::make_shared<OneRecipient>();
    CommandRunner runner{a_config(), peer, clock, random, recipient};
    std::shared_ptr<Worker> worker =
        std::make_shared<Worker>(context.get_executor(), runner, random, metrics, "ordersaga.outcomes");
    std::vector<std::uint64_t> acked, rejected;
    std::vector<broker::Message> published;
    bool room = true;
};

}  // namespace ordersaga::activities
