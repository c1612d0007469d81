// What ShipBob's answers mean.
//
// Purpose: one table from (kind of call, answer) to the port's failures, and the readers of the documents. Lenient:
// an unknown status is `unknown`, a number may come as text, tracking may be an object or an array.
// Pure functions; safe from any thread; no exceptions.
#pragma once

#include "activities/peer.hpp"
#include "activities/wms/wms.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::activities {
struct LaneReport;
}

namespace ordersaga::activities::wms::shipbob {

enum class CallKind { read, write };

// The failure that an answer stands for; nullopt for a 2xx. A 2xx whose body cannot be used is `unusable`.
[[nodiscard]] std::optional<Failure> failure_of(CallKind kind, const PeerAnswer& answer);
[[nodiscard]] Failure unusable(CallKind kind, std::string_view what);

// {"field":["message"]}, {"errors":[…]}, problem details, {"code","message"}, {"statusCode","message"}, HTML, nothing.
[[nodiscard]] std::vector<FieldProblem> problems_in(std::string_view body);

// Does a refusal of a create say that the reference exists already?
[[nodiscard]] bool says_duplicate_reference(const std::vector<FieldProblem>& problems);

// Remaining calls of the token, from any of the header names seen.
void note_budget(const PeerAnswer& answer, LaneReport& lane);

// ------------------------------------------------------------------------------------------------------ documents

[[nodiscard]] FulfillmentState state_of_shipment(std::string_view status, const std::vector<std::int64_t>& detail_ids);
// False once a parcel has been picked, packed, labelled or shipped; nullopt for a status we do not know.
[[nodiscard]] std::optional<bool> shipment_can_be_cancelled(
    std::string_view status,
    const std::vector<std::int64_t>& detail_ids);

// nullopt when it is no order (no id).
[[nodiscard]] std::optional<FulfillmentView> read_order(const nlohmann::json& document);
// A bare array or {items: […]}; nullopt when it is neither.
[[nodiscard]] std::optional<std::vector<FulfillmentView>> read_orders(const nlohmann::json& document);

struct CancelAnswer {
    enum class Result { success, failure, partial, unknown };
    Result result = Result::unknown;
    std::vector<std::string> reasons;  // of the shipments that were not cancelled
};
[[nodiscard]] CancelAnswer read_cancel_answer(const nlohmann::json& document);

struct CatalogueItem {
    std::int64_t item_id = 0;
    std::string sku;
    std::optional<std::int64_t> inventory_id;
};
// The variants of one product document.
[[nodiscard]] std::vector<CatalogueItem> read_product(const nlohmann::json& document);

struct InventoryRow {
    std::int64_t inventory_id = 0;
    StockLevel level;  // item_id is not known here
};
[[nodiscard]] std::vector<InventoryRow> read_inventory(const nlohmann::json& document);

// ------------------------------------------------------------------------------------------------------- requests

// What keeps a request from being sent at all; empty when nothing does.
[[nodiscard]] std::vector<FieldProblem> faults_of(const FulfillmentRequest& request);
// The body of a create. Every line goes by the warehouse's own id: a name would create a product.
[[nodiscard]] std::string create_body(const FulfillmentRequest& request);
// Why the order that holds our reference is not the one we asked for; empty when it is.
[[nodiscard]] std::string difference(const FulfillmentRequest& wanted, const FulfillmentView& found);

}  // namespace ordersaga::activities::wms::shipbob
