// The orchestrator as its program wires it, inside a test: real listeners on free loopback ports, the loop with its
// engine, PostgreSQL; only the broker is left out, a RecordingSink stands there and the test answers commands itself.
#pragma once

#include "orchestrator/engine_loop.hpp"
#include "orchestrator/orders/order_participant.hpp"
#include "orchestrator/webhook/public_listener.hpp"
#include "orchestrator/webhook/store_directory.hpp"
#include "runtime/http_client.hpp"
#include "runtime/metrics.hpp"
#include "sagas/order_saga.hpp"
#include "tests/support/orchestrator/plain_worker.hpp"
#include "tests/support/orchestrator/recording_sink.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::test {

struct InProcessOptions {
    std::string engine_dsn;
    std::string api_dsn;  // empty: no private listener
    std::vector<webhook::StoreEntry> stores;
    std::vector<webhook::WarehouseEntry> warehouses;
    EngineLoopOptions loop;
    webhook::PublicListenerOptions listener;
    orders::OrderParticipantSettings orders;
    sagas::OrderSagaSettings saga;
};

// Duties run once and then not again while a test looks; attempts are never given up for silence.
orders::OrderParticipantSettings unhurried_orders();
sagas::OrderSagaSettings unhurried_saga();

class OrchestratorInProcess {
public:
    explicit OrchestratorInProcess(InProcessOptions options);
    ~OrchestratorInProcess();
    OrchestratorInProcess(const OrchestratorInProcess&) = delete;
    OrchestratorInProcess& operator=(const OrchestratorInProcess&) = delete;

    std::uint16_t public_port() const;
    std::uint16_t private_port() const;
    EngineLoop& loop();
    RecordingSink& sink();
    runtime::Metrics& metrics();

    // One HTTP call; `path` begins with '/'.
    runtime::HttpOutcome call_public(
        const std::string& method,
        const std::string& path,
        runtime::HttpHeaders headers = {},
        std::string body = {});
    runtime::HttpOutcome call_private(
        const std::string& method,
        const std::string& path,
        runtime::HttpHeaders headers = {},
        std::string body = {});
    // A webhook as a shop sends it, signed with `secret`.
    runtime::HttpOutcome send_webhook(
        const std::string& shop_domain,
        const std::string& secret,
        const std::string& topic,
        const std::string& webhook_id,
        const std::string& body);

    // Hands an outcome to the engine and waits for its answer.
    engine::InputResult tell_outcome(const engine::CommandRow& command, const sagas::Outcome& outcome);
    // Answers commands as `worker` does, but for those of the activities in `held`, until `done` holds. False: the time
    // is up. What is held stays unanswered and is answered by a later call that does not hold it.
    bool work_until(
        const PlainWorker& worker,
        const std::function<bool()>& done,
        const std::set<std::string>& held = {},
        std::chrono::seconds longest = std::chrono::seconds(60));

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::test
