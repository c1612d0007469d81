// ShipBob's 2026-01 API in front of one stand-in warehouse: paths, codes and bodies as published and observed.
//
// Pure and single-threaded. Answers 401 without the token, 429 in its own dialect beyond the rate limit, 422 with the
// observed body for a repeated reference. Effects are the warehouse's.
#pragma once

#include "runtime/clock.hpp"
#include "sandbox/peer_answer.hpp"
#include "sandbox/warehouse.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

struct ShipbobRequest {
    std::string method;
    std::string path;  // "/2026-01/order/17:cancel"
    std::vector<std::pair<std::string, std::string>> query;
    std::string authorization;
    std::string channel;  // the shipbob_channel_id header
    std::string body;

    [[nodiscard]] std::string argument(const std::string& name) const;
};

struct ShipbobSubscription {
    std::int64_t id = 0;
    std::vector<std::string> topics;
    std::string url;
    std::string secret;
};

class ShipbobApi {
public:
    explicit ShipbobApi(Warehouse& warehouse) : warehouse_(warehouse) {}

    PeerAnswer handle(const ShipbobRequest& request, runtime::Instant now);
    // What a 429 looks like, also when it is injected.
    [[nodiscard]] PeerAnswer throttled(std::int64_t retry_after_seconds) const;
    [[nodiscard]] const std::vector<ShipbobSubscription>& subscriptions() const { return subscriptions_; }

    // The documents, for webhooks: an order, or one of its shipments.
    [[nodiscard]] nlohmann::json order_document(const WarehouseOrder& order) const;
    [[nodiscard]] nlohmann::json shipment_document(const WarehouseOrder& order, const WarehouseShipment& shipment)
        const;

private:
    PeerAnswer route(const ShipbobRequest& request, const std::string& resource, runtime::Instant now);
    PeerAnswer create_order(const ShipbobRequest& request, runtime::Instant now);
    PeerAnswer list_orders(const ShipbobRequest& request, runtime::Instant now);
    PeerAnswer cancel_order(std::int64_t id, runtime::Instant now);
    PeerAnswer cancel_shipment(std::int64_t id, runtime::Instant now);
    PeerAnswer batch_cancel(const ShipbobRequest& request, runtime::Instant now);
    PeerAnswer simulate(const ShipbobRequest& request, runtime::Instant now);
    PeerAnswer inventory_levels(const ShipbobRequest& request, bool per_location, runtime::Instant now) const;
    PeerAnswer products(const ShipbobRequest& request) const;
    PeerAnswer webhooks(const ShipbobRequest& request, const std::string& rest, runtime::Instant now);
    [[nodiscard]] nlohmann::json product_document(std::size_t index) const;
    [[nodiscard]] nlohmann::json level_document(std::size_t index, runtime::Instant now) const;
    [[nodiscard]] nlohmann::json channel_document() const;
    std::optional<std::int64_t> seconds_until_free(runtime::Instant now);

    Warehouse& warehouse_;
    std::deque<runtime::Instant> recent_;
    std::vector<ShipbobSubscription> subscriptions_;
    std::int64_t last_subscription_ = 0;
};

}  // namespace ordersaga::sandbox
