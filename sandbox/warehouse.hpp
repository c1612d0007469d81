// One stand-in ShipBob warehouse: products, stock, orders, shipments, and what happens to them as time passes.
//
// Pure and single-threaded; the instant comes in with every call. A reference is used up for ever. An order beyond the
// stock is accepted, as in life, becomes Exception/OutOfStock, and its missing units count as oversold. Every effect
// goes to the ledger. advance() moves shipments along their settable delays and collects the webhook events.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/random.hpp"
#include "sandbox/ledger.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

struct WarehouseSettings {
    std::string name;  // in the address: /shipbob/{name}
    std::string access_token;
    std::int64_t channel_id = 128944;
    std::string webhook_secret;  // "whsec_…"
    std::string webhook_url;     // empty: none are sent
    std::string location_name = "Cicero (IL)";
    bool ships_by_itself = true;
    std::int64_t pick_after_ms = 800;          // after the order came: now it cannot be cancelled any more
    std::int64_t label_after_ms = 300;         // after picking
    std::int64_t ship_after_ms = 300;          // after labelling
    std::int64_t deliver_after_ms = 800;       // after shipping
    double split_fraction = 0;                 // of orders with more than one unit: two shipments
    std::int64_t rate_limit_per_minute = 150;  // 0: none
    std::int64_t inventory_lag_ms = 0;         // stock figures do not show orders younger than this
    std::int64_t lookup_lag_ms = 0;            // nor does the search by reference
    std::string channel_scopes =
        "channels_read,inventory_read,inventory_write,locations_read,orders_read,orders_write,products_read,"
        "products_write,webhooks_read,webhooks_write";
    std::string ship_methods = "Standard";  // separated by commas
};

struct WarehouseProduct {
    std::int64_t product_id = 0;
    std::int64_t variant_id = 0;
    std::int64_t inventory_id = 0;
    std::string reference;  // the merchant's reference id, the SKU as a rule
    std::string sku;
    std::string name;
    std::int64_t on_hand = 0;
    std::int64_t committed = 0;
    bool made_up = false;  // created because an order named an unknown product

    [[nodiscard]] std::int64_t fulfillable() const { return on_hand - committed; }
};

struct WarehouseLine {
    std::size_t product = 0;  // index
    std::int64_t quantity = 0;
    std::int64_t committed = 0;  // allocated to it
    std::optional<std::int64_t> external_line_id;
};

enum class ShipmentStage { processing, picked, labelled, shipped, delivered, exception, cancelled };

struct WarehouseShipment {
    std::int64_t id = 0;
    ShipmentStage stage = ShipmentStage::processing;
    bool unknown_sku = false;  // why it is an exception: else out of stock
    std::vector<WarehouseLine> lines;
    std::string tracking_number;
    runtime::Instant changed_at;
    std::optional<runtime::Instant> shipped_at, delivered_at;
};

struct WarehouseOrder {
    std::int64_t id = 0;
    std::string reference;
    std::string order_number;
    std::int64_t channel_id = 0;
    std::string document;  // the request's own recipient, tags and so on, as JSON text, echoed in answers
    runtime::Instant created_at;
    runtime::Instant changed_at;
    std::size_t change = 0;  // its place in Warehouse::changes()
    std::vector<WarehouseShipment> shipments;

    [[nodiscard]] std::string status() const;  // Processing, Exception, PartiallyFulfilled, Fulfilled, Cancelled
    [[nodiscard]] bool cancelled() const { return status() == "Cancelled"; }
};

// One after the other, as time goes.
struct WarehouseChange {
    runtime::Instant at;
    std::int64_t order_id = 0;
    const WarehouseOrder* order = nullptr;  // null: it has changed again
};

struct WarehouseEvent {
    std::string topic;
    std::int64_t order_id = 0;
    std::int64_t shipment_id = 0;  // 0: the event is about the order
};

struct WantedWarehouseLine {
    std::optional<std::int64_t> id;  // a product's or variant's id
    std::string reference;           // or its reference and name
    std::string sku;
    std::string name;
    std::int64_t quantity = 0;
    std::optional<std::int64_t> external_line_id;
};

struct CancelResult {
    std::int64_t shipment_id = 0;
    bool done = false;
    std::string reason;
};

class Warehouse {
public:
    Warehouse(WarehouseSettings settings, std::int64_t index, std::uint64_t seed, Ledger& ledger);

    [[nodiscard]] const WarehouseSettings& settings() const { return settings_; }
    [[nodiscard]] WarehouseSettings& settings() { return settings_; }
    [[nodiscard]] std::string peer() const { return "shipbob:" + settings_.name; }

    const WarehouseProduct& add_product(const std::string& sku, const std::string& name, std::int64_t on_hand);
    // Sets what lies on the shelf, then gives it to waiting exceptions in the order they came.
    bool set_on_hand(const std::string& sku, std::int64_t on_hand, runtime::Instant now);
    [[nodiscard]] const std::vector<WarehouseProduct>& products() const { return products_; }
    [[nodiscard]] const WarehouseProduct* product_by_sku(const std::string& sku) const;
    // The figure as the API shows it at this instant, see inventory_lag_ms.
    [[nodiscard]] std::int64_t visible_committed(std::size_t product, runtime::Instant now) const;

    // Units of this product that shipments wait for.
    [[nodiscard]] std::int64_t exception_units(std::size_t product) const;

    // nullptr when the reference exists already, or when an id names no product: nothing was changed, and `problem`
    // says which of the two.
    enum class CreateProblem { none, duplicate_reference, unknown_product };
    const WarehouseOrder* create_order(
        const std::string& reference,
        const std::string& order_number,
        std::int64_t channel_id,
        const std::vector<WantedWarehouseLine>& lines,
        const std::string& document,
        runtime::Instant now,
        CreateProblem& problem);
    // One result per shipment. Shipments that are picked or gone, or cancelled before, stay as they are.
    std::vector<CancelResult> cancel(
        std::int64_t order_id,
        std::optional<std::int64_t> only_shipment,
        runtime::Instant now);

    // Moves what is due. With everything held back only ship() and deliver() move it.
    void advance(runtime::Instant now);
    // By hand, also for a warehouse that ships by itself; an empty reference means all. Answers how many moved.
    std::int64_t pick(const std::string& reference, runtime::Instant now);
    std::int64_t ship(const std::string& reference, runtime::Instant now);
    std::int64_t deliver(const std::string& reference, runtime::Instant now);

    [[nodiscard]] const std::map<std::int64_t, WarehouseOrder>& orders() const { return orders_; }
    [[nodiscard]] const std::vector<WarehouseChange>& changes() const { return changes_; }
    [[nodiscard]] const WarehouseOrder* order(std::int64_t id) const;
    [[nodiscard]] const WarehouseOrder* order_by_reference(const std::string& reference) const;
    [[nodiscard]] const WarehouseOrder* order_of_shipment(std::int64_t shipment_id) const;
    [[nodiscard]] std::vector<WarehouseEvent> take_events() { return std::exchange(events_, {}); }
    [[nodiscard]] std::string next_uuid() { return runtime::new_uuid_v4(random_); }
    [[nodiscard]] bool coin() { return random_.chance(0.5); }

    // The witness's own judgement.
    struct Judgement {
        std::int64_t created = 0;  // orders ever accepted
        std::int64_t cancelled = 0;
        std::int64_t parts = 0;                   // different <store>.<order>.<part>
        std::int64_t live_parts = 0;              // those with an uncancelled order
        std::int64_t duplicate_fulfillments = 0;  // uncancelled orders beyond the first of a part
        std::int64_t oversold_units = 0;          // requested beyond the stock at that instant
        std::int64_t shipped = 0;                 // shipments
        std::int64_t delivered = 0;
        std::int64_t duplicates_refused = 0;  // creates with a used reference
        std::vector<std::string> duplicated_parts;
    };
    [[nodiscard]] Judgement judge() const;
    // The reference without its last component, the generation.
    [[nodiscard]] static std::string part_of(const std::string& reference);

private:
    WarehouseOrder* find(std::int64_t id);
    void note_change(WarehouseOrder& order, runtime::Instant now);
    void change(WarehouseOrder& order, WarehouseShipment& shipment, runtime::Instant now);
    void allocate_waiting(runtime::Instant now);
    bool allocate(WarehouseShipment& shipment);
    void step(WarehouseOrder& order, WarehouseShipment& shipment, ShipmentStage to, runtime::Instant now);
    [[nodiscard]] std::optional<runtime::Instant> due(const WarehouseShipment& shipment) const;
    std::size_t product_for(const WantedWarehouseLine& line, bool& unknown);
    template <class Move>
    std::int64_t each_shipment(const std::string& reference, Move move);
    void record(
        const std::string& kind,
        const std::string& key,
        const WarehouseOrder& order,
        std::string detail,
        runtime::Instant now);

    WarehouseSettings settings_;
    runtime::SeededRandom random_;
    Ledger& ledger_;
    std::int64_t id_base_;
    std::int64_t ids_given_ = 0;
    std::vector<WarehouseProduct> products_;
    std::map<std::int64_t, WarehouseOrder> orders_;
    std::vector<WarehouseChange> changes_;
    std::map<std::string, std::int64_t> by_reference_;
    std::set<std::int64_t> exceptions_;  // orders with a shipment that waits for stock, and some that had one
    std::set<std::int64_t> moving_;      // orders with a shipment that time moves on: the others need no look
    std::vector<WarehouseEvent> events_;
    std::int64_t oversold_units_ = 0;
    std::int64_t duplicates_refused_ = 0;
};

}  // namespace ordersaga::sandbox
