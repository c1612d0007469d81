// What an order saga remembers (the column sagas.data), and the small questions its table asks about it. A value.
#pragma once

#include "runtime/clock.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::sagas {

// One stocked SKU behind a line: the SKU itself, or a component of a bundle.
struct LinePart {
    std::int64_t sku_id = 0;
    std::string sku;
    std::string warehouse_item_id;
    std::int64_t per_unit = 1;
    std::int64_t shipped = 0;  // units of this SKU
};

struct SagaLine {
    std::string line_id;
    std::string sku;
    std::int64_t wanted = 0;        // units of the line to ship, after refunds and edits
    std::vector<LinePart> parts;    // empty: the SKU is not mapped
    std::int64_t told_shipped = 0;  // units reported to the store as fulfilled
    int of_part = 1;                // the part of the order that it goes out with
};

struct Shipment {
    std::string shipment_id;
    std::string carrier, tracking_number, tracking_url;
    std::vector<std::pair<std::string, std::int64_t>> lines;  // line id, units of the line
    std::string store_fulfillment;                            // id in the store; empty until done
    bool delivered = false;
};

// One fulfilment at the warehouse: the n-th generation of a part of the order. What is added when the newest part cannot
// be changed any more becomes a part of its own; so the newest is the only one that may still change.
struct Fulfillment {
    int part = 1;
    int generation = 1;
    std::string reference;
    std::string request_key;
    std::string warehouse_order_id;
    // backordered | reserved (the stores are told) | wanted | accepted | cancelled | refused | beyond_recall. The first
    // part has none of the first two: before it is asked for, the saga's own state says so.
    std::string state;
    std::vector<Shipment> shipments;
    bool perhaps_exists = false;  // given up on while its outcome was unknown: late checks follow
    bool seen_cancelled = false;  // the warehouse has shown it so while our cancel was under way

    // Not asked for by this saga, but found at the warehouse (sagas/found_fulfillments.hpp): only then is there a name of it
    // before it was accepted.
    bool stands_already() const { return state == "wanted" && perhaps_exists && !warehouse_order_id.empty(); }
};

struct OrderData {
    std::int64_t store_id = 0;
    std::string store;
    std::int64_t warehouse_id = 0;
    std::string warehouse;
    std::string order_id;
    std::string name;
    // Another system sends it: it is decided and its stock is kept as if we did, and nothing leaves for it. Never changes,
    // so an order from before the cut-over is not sent after it either.
    bool observed = false;
    bool paid = false;
    std::string ship_line;    // the title of the order's shipping line; empty: it has none
    std::string ship_method;  // the warehouse's
    std::string order_policy = "hold_and_tell";
    std::int64_t channel_wait_ms = 10'000;
    std::int64_t hold_expiry_ms = 259'200'000;
    std::vector<SagaLine> lines;
    std::vector<SagaLine> added;  // of one part, while its stock is asked for
    std::vector<Fulfillment> fulfillments;
    std::map<std::string, std::int64_t>
        wish;                           // line id, units, perhaps 0: as last told by the store; empty: as it came
    std::vector<std::string> unserved;  // what was ordered too late and will not be sent: left to a person
    // What a restored database cannot account for at the warehouse: nothing is decided before a person spoke.
    std::string unclear;
    // NeedsOperator: the reference whose request had no outcome, which a person was asked about; empty: about something else.
    std::string asked_about;
    std::vector<std::string> holds;  // unpaid | unmapped | no_address | ship_method | operator
    std::string cancel_by;           // customer | operator | deleted | refunded; empty: not asked for
    std::string cancel_reason;
    bool stop_wanted = false;                    // cancel remembered until the command in flight has its outcome
    std::optional<std::vector<SagaLine>> edit;   // remembered in the same way
    bool settle_store_order = false;             // the store's order must not stay open and paid
    std::string cause;                           // why it went back: cancelled by customer, refused by warehouse, ...
    std::string final_state = "Compensated";     // where the way back ends: Compensated | OutOfStock
    std::string resume;                          // the state it left for OnHold or NeedsOperator
    std::optional<runtime::Instant> wait_until;  // channels
    std::optional<runtime::Instant> hold_until;
    std::optional<runtime::Instant> deliver_by;

    Fulfillment* current();  // the newest generation of the newest part; null when it was never wanted
    const Fulfillment* current() const;
    Fulfillment* of_part(int part);  // its newest generation
    const Fulfillment* of_part(int part) const;
    Fulfillment* of_reference(const std::string& reference);
    const Fulfillment* of_reference(const std::string& reference) const;
    int newest_part() const;
    int next_part() const;  // a number that no part ever had
    std::vector<SagaLine> lines_of(int part) const;
    bool has_lines_beside(int part) const;
    bool everything_shipped() const;
    bool everything_told() const;  // every shipment has its fulfilment in the store
    bool everything_delivered() const;
    bool nothing_wanted() const;
};

nlohmann::json to_json(const OrderData& data);
OrderData order_data_from_json(const nlohmann::json& document);  // throws std::invalid_argument
nlohmann::json to_json(const SagaLine& line);
SagaLine saga_line_from_json(const nlohmann::json& document);

// What a warehouse view tells that the saga does not know yet: shipments, deliveries, an end, trouble.
struct ViewNews {
    int part = 1;                                                     // of the order
    std::vector<Shipment> new_shipments;                              // with the warehouse's lines mapped to ours
    std::vector<std::pair<std::int64_t, std::int64_t>> shipped_skus;  // sku id, units, over all new shipments
    // The same of what no line wants any more: what was given up may leave all the same.
    std::vector<std::pair<std::int64_t, std::int64_t>> beyond_wanted;
    std::vector<std::string> delivered;  // shipment ids
    bool cancelled = false;
    std::string trouble;  // empty: none
    bool none() const { return new_shipments.empty() && delivered.empty() && !cancelled && trouble.empty(); }
};
ViewNews news_of(const OrderData& data, const nlohmann::json& view);
// It tells that the warehouse has it and means to send it, and nothing else: no news of what is known to be accepted.
bool tells_acceptance_alone(const nlohmann::json& view);
// Whole units of the line that have gone out: of each one all its parts have.
std::int64_t units_shipped(const SagaLine& line);
// Applies new shipments to the lines' counters (which units of which line went out) and fills Shipment::lines.
void book_shipments(OrderData& data, ViewNews& news);

// What remains for one part when the order is to want `edited` and the other parts stay as they are.
std::vector<SagaLine> share_of_part(const OrderData& data, const std::vector<SagaLine>& edited, int part);
// The order wants less of something than the given lines have.
bool wants_less(const std::vector<SagaLine>& lines, const std::vector<SagaLine>& edited);

// The name under which a line has its stock: units of one line may belong to several parts.
std::string reservation_of(const SagaLine& line);
int part_of_reservation(const std::string& name);

}  // namespace ordersaga::sagas
