// The activities of the warehouse family, as sagas/activities.hpp lists them, over the neutral port.
//
// Purpose: from a command's payload to its outcome at one warehouse, whatever its product.
// Thread: coroutines on the warehouse's executor; no state between calls.
// Errors: runtime::ErrorException for a payload that breaks the contract; everything else is an outcome.
// Repeat: safe; see the port.
#pragma once

#include "activities/wms/wms.hpp"
#include "sagas/outcome.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <string_view>

namespace ordersaga::activities::wms {

class WarehouseActivities {
public:
    explicit WarehouseActivities(Wms& warehouse) : warehouse_(warehouse) {}

    [[nodiscard]] static bool knows(std::string_view activity);
    [[nodiscard]] static bool is_write(std::string_view activity);

    boost::asio::awaitable<sagas::Outcome> run(
        std::string_view activity,
        const nlohmann::json& payload,
        bool lookup_first,
        CallScope& scope);

private:
    boost::asio::awaitable<sagas::Outcome> request(const nlohmann::json& payload, bool lookup_first, CallScope& scope);
    boost::asio::awaitable<sagas::Outcome> cancel(const nlohmann::json& payload, CallScope& scope);
    boost::asio::awaitable<sagas::Outcome> find(const nlohmann::json& payload, CallScope& scope);
    boost::asio::awaitable<sagas::Outcome> poll(const nlohmann::json& payload, CallScope& scope);
    boost::asio::awaitable<sagas::Outcome> read_stock(const nlohmann::json& payload, CallScope& scope);

    Wms& warehouse_;
};

// The view as outcomes carry it.
[[nodiscard]] nlohmann::json to_json(const FulfillmentView& view);
[[nodiscard]] sagas::Outcome outcome_of(const Failure& failure);

}  // namespace ordersaga::activities::wms
