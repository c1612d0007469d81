// What a warehouse has of an order that a restored database has forgotten, as the order's saga takes it over. Pure.
//
// A view is that of sagas/activities.hpp; its reference is <store>.<order id>.<part>.<generation>.
#pragma once

#include "sagas/definition.hpp"
#include "sagas/order_data.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace ordersaga::sagas {

// What a view, or a shipment in one, tells of was not cancelled.
bool is_alive(const nlohmann::json& view);

struct Adoption {
    bool clear = false;  // one fulfilment is alive, it is the newest of the only part, and holds what the order wants
    bool alive = false;  // something is, clear or not
};

// Gives a saga that has not begun yet the fulfilments that the warehouse knows. The one that is alive counts as asked for, with
// an outcome that nobody heard: whatever the saga does next, it looks first.
Adoption adopt(OrderData& data, const std::vector<nlohmann::json>& views);

// Tells a saga what it may not know. It asks a person if that is so, and decides nothing more before he has spoken.
// `strict`: it knows none of it, whatever its data say.
Event unclear_fulfillments(const std::vector<nlohmann::json>& views, bool strict = false);

// From the payload of that event: the saga was about to ask for its first fulfilment, and has done so in the time that is
// forgotten. `paid` in it: the store tells of the payment that it waited for. Then it goes on with what stands there. Whether
// the content is the same shows when the request looks first.
bool adopt_first(OrderData& data, const std::string& state, const nlohmann::json& payload);

// Why a person must look, from the payload of that event; empty: the saga knows all of it.
std::string what_is_unclear(const OrderData& data, const std::string& state, const nlohmann::json& payload);

}  // namespace ordersaga::sagas
