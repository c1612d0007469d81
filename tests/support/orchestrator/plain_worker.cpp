#include "tests/support/orchestrator/plain_worker.hpp"

#include "runtime/clock.hpp"
#include "sagas/activities.hpp"
#include "sagas/order_saga.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::test {

namespace activity = sagas::activity;
using nlohmann::json;

sagas::Outcome PlainWorker::answer(const engine::CommandRow& command) const {
    const std::string now = runtime::format_rfc3339(runtime::SystemClock().now());
    sagas::Outcome outcome;
    outcome.kind = sagas::OutcomeKind::done;
    if (command.activity == activity::flush_stock) {
        json applied = json::array();
        for (std::size_t row = 0; row < command.payload.at("rows").get<std::size_t>(); ++row)
            applied.push_back(row);
        outcome.payload = {{"applied", applied}, {"uncertain", json::array()}, {"refused", json::array()}};
    } else if (command.activity == activity::quiet_read) {
        json levels = json::object();
        for (const json& listing : command.payload.at("listings"))
            levels[listing.at("listing_id").get<std::string>()] = units_;
        outcome.payload = {{"first", levels}, {"second", levels}, {"orders", json::array()}, {"polled_until", now}};
    } else if (command.activity == activity::poll_orders) {
        outcome.payload = {{"orders", json::array()}, {"polled_until", now}, {"complete", true}};
    } else if (command.activity == activity::read_order) {
        outcome.payload = {{"order", nullptr}};
    } else if (command.activity == activity::poll_fulfillments) {
        outcome.payload = {{"views", json::array()}, {"changed_until", now}};
    } else if (command.activity == activity::read_warehouse_stock) {
        json items = json::array();
        for (const std::string& item : warehouse_items_) {
            items.push_back({{"warehouse_item_id", item}, {"sku", item}, {"fulfillable", units_}, {"on_hand", units_}});
        }
        outcome.payload = {{"items", items}};
    } else {
        outcome = sagas::OrderSaga().assumed_outcome(command.activity, command.payload);
    }
    return outcome;
}

}  // namespace ordersaga::test
