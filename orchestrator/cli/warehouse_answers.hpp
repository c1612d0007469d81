// What ShipBob's lists say about a token's channel, its webhooks, ship methods and products, read without trusting types. Pure.
#pragma once

#include "orchestrator/cli/sku_proposals.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace ordersaga::cli {

struct Channel {
    std::string id, name;
    std::vector<std::string> scopes;
};
std::vector<Channel> channels_of(const std::vector<nlohmann::json>& list);
// The one that orders can be written to: `wanted` if it is one of these, else the first; nullptr when there is none.
const Channel* writable_channel(const std::vector<Channel>& channels, const std::string& wanted);
std::vector<std::string> missing_scopes(const std::vector<std::string>& granted, bool with_webhooks);

std::vector<std::string> active_ship_methods(const std::vector<nlohmann::json>& list);

// What the warehouse has to tell; each only says that an order should be looked at.
const std::vector<std::string>& warehouse_topics();
struct WarehouseWebhookPlan {
    bool create = false;
    std::vector<std::string> remove;  // ids; once the new one is there
    std::string fault;                // why
};
// One webhook to `address` with all topics is wanted. Those of ours that go to another host, or tell less, are replaced.
WarehouseWebhookPlan compare_webhooks(const std::vector<nlohmann::json>& list, const std::string& address);

std::vector<WarehouseItem> items_of(const std::vector<nlohmann::json>& products);

}  // namespace ordersaga::cli
