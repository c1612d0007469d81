// The rows of stock, listings, orders and receipts, as the participant of the order saga sees them inside the engine's
// transaction. Implemented by the same stores that implement engine::Transaction.
//
// Rows are locked in the sequence of engine/store.hpp, in which ours are: receipts and the keys of their stores, then orders,
// then, after the sagas and their commands: stock, listings, stores and flushes, waits.
#pragma once

#include "orchestrator/engine/store.hpp"
#include "sagas/ids.hpp"
#include "sagas/order_document.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::orders {

using engine::Turn;
using runtime::Duration;
using runtime::Instant;
using sagas::ListingId;
using sagas::MerchantId;
using sagas::SagaId;
using sagas::SkuId;
using sagas::StoreId;
using sagas::WarehouseId;

struct StoreRow {
    MerchantId merchant;
    StoreId store_id;
    std::string key;                       // "eu": names it in payloads, references, routing keys
    std::string shop_domain;               // eu-shirts.myshopify.com
    std::string location_id;               // the one online location whose stock we steer (decimal text)
    std::string status;                    // active | suspended | uninstalled
    std::string mode = "live";             // observe | live: whether anything is sent to it, and for its orders
    Instant go_live_at{};                  // orders created earlier are never sent
    std::optional<Instant> observed_from;  // those between this and go_live_at were observed; absent: never observed
    std::string order_policy;              // hold_and_tell | cancel_and_refund | backorder (after refusal)
    Duration channel_wait{};               // 0: never wait for this store
    Duration hold_expiry{};
    WarehouseId warehouse_id;
    nlohmann::json ship_methods;     // {"<shipping line title>": "<warehouse ship method>"}; "": no line
    double points_per_second = 100;  // what the store's API refills; the bucket holds 20 s of it
    std::string api_version;         // that it is called with, and its webhooks should have
    std::string webhook_url;         // where its webhooks should go; empty: nobody has said, and nobody watches
    std::string recovery;  // how far its merchant has caught up after a restore (db/restored.hpp); empty: never was
};

// The warehouses were asked already what they have, and their figures were read: now the stores may tell their orders.
inline bool takes_orders(const StoreRow& store) {
    return store.recovery.empty() || store.recovery == "orders" || store.recovery == "caught_up";
}

// Orders created earlier are known to nobody here: neither sent nor observed.
inline Instant followed_from(const StoreRow& store) {
    return store.observed_from.value_or(store.go_live_at);
}

struct WarehouseRow {
    MerchantId merchant;
    WarehouseId warehouse_id;
    std::string key;
    std::string kind;        // shipbob
    Duration reading_lag{};  // L of the reading rule
    double calls_per_minute = 150;
    std::string status;                    // active | suspended
    std::optional<Instant> read_asked_at;  // of the newest applied reading of all that it has
};

struct SkuRow {
    MerchantId merchant;
    SkuId sku_id;
    std::string sku;
    std::string warehouse_item_id;  // empty: not known at the warehouse
    std::string policy;             // deny | backorder
    std::string reading;            // trust-mirror | ask-warehouse-first
    std::int64_t buffer = 0;
    std::int64_t low_at = 0;  // inventory.low is announced at or below; 0: never
    bool discontinued = false;
    std::vector<std::pair<SkuId, std::int64_t>> components;  // of a bundle; empty: the SKU is itself stocked
};

struct StockKey {
    MerchantId merchant;
    SkuId sku_id;
    WarehouseId warehouse_id;
    friend auto operator<=>(const StockKey&, const StockKey&) = default;
};

// One ledger. on_hand + short = available + reserved + committed + unavailable, where unavailable includes `returning`.
struct StockRow {
    StockKey key;
    std::int64_t on_hand = 0;
    std::int64_t available = 0;
    std::int64_t reserved = 0;
    std::int64_t committed = 0;
    std::int64_t unavailable = 0;   // all reasons together
    std::int64_t returning = 0;     // the part that only a reading gives back
    std::int64_t short_by = 0;      // `short`
    std::int64_t waiting = 0;       // sum of the backorder queue
    std::int64_t version = 0;       // +1 with each movement, and whenever what may be sold changes
    std::int64_t version_read = 0;  // as the row was read; only a row that still has it is written
    std::optional<Instant>
        read_asked_at;      // of the newest applied reading; stored, it may be older than the next line says
    bool mirrored = false;  // it was in the warehouse's newest reading: read_asked_at is no older than that
    std::optional<Instant> demand_read_at;  // last read on demand
    std::int64_t warehouse_on_hand = 0;     // as the warehouse said, apart from ours
    std::int64_t warehouse_fulfillable = 0;
};

// An append-only change of one ledger; every field is a difference.
struct MovementRow {
    StockKey key;
    std::string kind;   // opening grant accept ship release return reading adjust
    std::string cause;  // unique per ledger: repeats are impossible
    SagaId saga_id;
    std::string line_id;
    std::int64_t on_hand = 0, available = 0, reserved = 0, committed = 0, unavailable = 0, returning = 0, short_by = 0;
    std::int64_t version = 0;  // of the stock row after it
    Instant at{};
    std::string note;
};

// What one line of one saga has of one SKU. Counters only ever describe this saga's own units.
struct ReservationRow {
    StockKey key;
    SagaId saga_id;
    std::string line_id;
    std::int64_t waiting = 0, held = 0, committed = 0, shipped = 0, released = 0;
    std::optional<Instant> accepted_at;  // of what is committed; empty: no reading surely counts it
    std::optional<Instant> queued_at;    // place in the backorder queue
};

// A SKU in a store at a location.
struct ListingComponent {
    SkuId sku_id;
    std::int64_t quantity = 1;
    std::int64_t composed_version = 0;   // stock version inside the open flush
    std::int64_t confirmed_version = 0;  // the store is known to show at least this version's target
};
struct ListingRow {
    MerchantId merchant;
    ListingId listing_id;
    StoreId store_id;
    SkuId sku_id;
    std::string variant_id;
    std::string inventory_item_id;
    std::string location_id;
    std::optional<std::int64_t> believed;  // absent until the opening quiet read
    std::int64_t target = 0;
    std::int64_t in_flight = 0;  // difference inside the open flush
    std::int64_t learned = 0;    // +1 per move learned: tells whether a quiet read was quiet
    bool wants_read = false;     // believed is in doubt: no flush before a quiet read
    bool read_open = false;
    std::string parked;  // why it takes no part in flushes (poison row); empty: it does
    std::vector<ListingComponent> components;
};

// What a store said of a level lately: remembered, never believed.
struct LevelHint {
    MerchantId merchant;
    StoreId store_id;
    std::string inventory_item_id;
    std::string location_id;
    std::optional<std::int64_t> available;  // absent: the store does not track it
    Instant told_at{};                      // by the store
    Instant heard_at{};
};

struct ListingMove {
    MerchantId merchant;
    ListingId listing_id;
    std::string kind;       // sale | restock | edit | flush | read
    std::string source_id;  // unique with listing and kind: line id, refund line id, edit id, flush id
    std::int64_t quantity = 0;
};

struct FlushRowItem {
    ListingId listing_id;
    std::int64_t delta = 0;
    std::vector<std::pair<SkuId, std::int64_t>> versions;
};
struct FlushRow {
    MerchantId merchant;
    sagas::FlushId flush_id;
    StoreId store_id;
    std::string key;         // the idempotency key at the store
    std::string command_id;  // carries key and bytes
    std::vector<FlushRowItem> items;
    Instant opened_at{};
    std::optional<Instant> closed_at;
    std::string outcome;  // applied | partly | refused | unknown
};

struct OrderKey {
    MerchantId merchant;
    StoreId store_id;
    std::string order_id;
    friend auto operator<=>(const OrderKey&, const OrderKey&) = default;
};

struct OrderRow {
    OrderKey key;
    SagaId saga_id;  // empty: recorded, never started (before go-live, not for us)
    std::string name;
    sagas::OrderDocument document;  // newest by updated_at, refunds of all documents joined
    bool has_document = false;      // false: only heard of (a refund or deletion came first)
    bool deleted = false;
    std::string reason;                        // why there is no saga
    std::vector<sagas::Refund> early_refunds;  // known from refunds/create, perhaps not yet in the document
    Instant created_at{};
};

enum class ReceiptStatus { applied, duplicate, ignored, parked };

struct ReceiptRow {
    MerchantId merchant;
    StoreId store_id;
    std::string source;  // shopify | shipbob
    std::string topic;
    std::string webhook_id;  // unique with (store, topic)
    std::string event_id;    // may be empty
    std::string name;        // subscription name, may be empty
    Instant received_at{};
    std::string body;        // raw bytes; stored sealed, and only those of stores
    nlohmann::json headers;  // chosen ones; never the signature
    ReceiptStatus status = ReceiptStatus::applied;
    std::string reason;
    std::string order_id;
    SagaId saga_id;
};

// Where an order goes and whom to tell about it. Stored apart and sealed, until it is erased; no other row holds it.
struct PersonalRow {
    OrderKey order;
    SagaId saga_id;
    nlohmann::json recipient;  // {name,address1,...}, as workers ask the warehouse with it
};

// What a store asks in the name of a customer, or of all of them.
struct PrivacyRequest {
    MerchantId merchant;
    StoreId store_id;
    std::string kind;                 // data_request | customer | shop
    std::string reference;            // the store's own number of a data request
    std::vector<std::string> orders;  // of that customer
};

// Open until somebody has exported what was asked for.
inline std::string incident_of_data_request(StoreId store, const std::string& reference) {
    return "data_request:" + std::to_string(store.value) + ":" + reference;
}

// Whose a reference at a warehouse is.
struct ReferenceRow {
    std::string reference;
    engine::SagaKey saga;
    bool accepted = false;  // as its saga knows, while the order is with the warehouse
    friend bool operator==(const ReferenceRow&, const ReferenceRow&) = default;
};

// An order at a warehouse under a reference of ours that a restored database does not account for.
struct FoundFulfillment {
    MerchantId merchant;
    std::string reference;
    std::string order_key;  // <store>.<order id>
    nlohmann::json view;
};

class Rows {
public:
    virtual ~Rows() = default;

    // Whole small tables; read in every batch, so nothing can be stale.
    virtual std::vector<StoreRow> stores(const std::vector<MerchantId>& merchants) = 0;
    virtual std::vector<WarehouseRow> warehouses(const std::vector<MerchantId>& merchants) = 0;
    // Empty ids: all of the merchant.
    virtual std::vector<SkuRow> skus(MerchantId merchant, const std::vector<SkuId>& ids) = 0;
    // Listings of a store by variant id or, where the variant is unknown, by SKU text, by their ids. Neither locked nor with
    // their figures of now, which are not to be used.
    virtual std::vector<ListingRow> find_listings(
        MerchantId merchant,
        StoreId store,
        const std::vector<std::string>& variant_ids,
        const std::vector<std::string>& skus) = 0;

    // For each, whether one with its webhook id or its event id is stored already. Locks nothing.
    virtual std::vector<bool> know_receipts(const std::vector<ReceiptRow>& receipts) = 0;
    // Inserts; answers for each whether it is new (true) or known by webhook id or event id (false).
    virtual std::vector<bool> insert_receipts(const std::vector<ReceiptRow>& receipts) = 0;
    virtual void update_receipts(const std::vector<ReceiptRow>& receipts) = 0;  // status, reason, order_id, saga_id

    // Locks existing orders, creates missing ones empty; by key.
    virtual std::vector<OrderRow> lock_orders(const std::vector<OrderKey>& keys, Turn turn = Turn::in_turn) = 0;
    // Their documents as they stand, in the sequence of `keys`, without a lock. None of an order that has none, or while its
    // merchant has something at the warehouse that is not settled (write_found).
    virtual std::vector<std::optional<sagas::OrderDocument>> peek_documents(const std::vector<OrderKey>& keys) = 0;
    // Their stamps (sagas::stamp_of), likewise; empty of those of which peek_documents tells none.
    virtual std::vector<std::string> peek_stamps(const std::vector<OrderKey>& keys) = 0;
    virtual void write_orders(const std::vector<OrderRow>& orders) = 0;
    // Of orders whose saga begins in this transaction.
    virtual void write_personal(const std::vector<PersonalRow>& people) = 0;
    // Kept for who answers them (db/privacy.hpp); nothing is erased here.
    virtual void ask_privacy(const std::vector<PrivacyRequest>& requests) = 0;
    // Warehouse references, each owned by one saga for ever: claiming one that another saga owns throws BadItem.
    virtual std::vector<ReferenceRow> sagas_of_references(
        MerchantId merchant,
        const std::vector<std::string>& references) = 0;
    virtual void write_references(const std::vector<std::pair<std::string, engine::SagaKey>>& references) = 0;
    // After a restore only. The newest word of each reference counts; who takes them has to settle them.
    virtual void write_found(const std::vector<FoundFulfillment>& found) = 0;
    virtual std::vector<FoundFulfillment> take_found(
        MerchantId merchant,
        const std::vector<std::string>& order_keys) = 0;

    // Missing ledgers are created empty.
    virtual std::vector<StockRow> lock_stock(const std::vector<StockKey>& keys, Turn turn = Turn::in_turn) = 0;
    // The same without a lock: for the other components of a bundle, read after its listing was locked. Whoever locks the
    // listing last sees every committed component, so the last computed target is right.
    virtual std::vector<StockRow> peek_stock(const std::vector<StockKey>& keys) = 0;
    // Each row at the version it was read at, whether it was locked then or not: StoreUnavailable when it has moved on.
    virtual void write_stock(const std::vector<StockRow>& rows, const std::vector<MovementRow>& movements) = 0;
    // The warehouse's read_asked_at as it stands now, locked out of turn: StoreUnavailable when another one has it. Under the
    // locks of the ledgers that were read.
    virtual std::optional<Instant> lock_mirror(MerchantId merchant, WarehouseId warehouse) = 0;
    // Ledgers of the warehouse that are mirrored and none of `skus`; no lock, and none joins them while the mirror is held.
    virtual std::vector<StockKey> mirrored_besides(
        MerchantId merchant,
        WarehouseId warehouse,
        const std::vector<SkuId>& skus) = 0;
    virtual void write_mirror(MerchantId merchant, WarehouseId warehouse, Instant asked_at) = 0;
    virtual std::vector<ReservationRow> reservations_of(const std::vector<engine::SagaKey>& sagas) = 0;
    // The backorder queue of these ledgers, oldest first, with ALL rows of each waiting saga. Under the stock lock.
    virtual std::vector<ReservationRow> waiting_for(const std::vector<StockKey>& keys) = 0;
    virtual void write_reservations(const std::vector<ReservationRow>& rows) = 0;  // upsert by (saga, line, sku)
    // Units that a reading asked at `asked_at` may not have counted: protocol part 1.
    virtual std::vector<std::pair<StockKey, std::int64_t>> not_counted(
        const std::vector<StockKey>& keys,
        Instant asked_at,
        Duration lag) = 0;
    // Units that left committed for `returning` after `asked_at`.
    virtual std::vector<std::pair<StockKey, std::int64_t>> returned_since(
        const std::vector<StockKey>& keys,
        Instant asked_at) = 0;
    // Held units whose order has been asked of the warehouse, which may or may not have taken them yet. Only ledgers that
    // have some.
    virtual std::vector<std::pair<StockKey, std::int64_t>> requested(const std::vector<StockKey>& keys) = 0;
    // Of each ledger that is short and still promised to somebody: the youngest orders, as many as hold the missing units.
    struct AtRisk {
        StockKey stock;
        std::vector<std::string> youngest;  // subjects of their sagas, youngest first, at most `named`
        std::int64_t orders = 0;            // all of them
    };
    virtual std::vector<AtRisk> at_risk(const std::vector<StockKey>& keys, std::size_t named) = 0;

    // Moves that were not known yet (by listing, kind, source id). Under the locks of their listings.
    virtual std::vector<bool> insert_listing_moves(const std::vector<ListingMove>& moves) = 0;
    // Moves that nobody can know yet: what a flush or a read has just done. Under the same locks.
    virtual void add_listing_moves(const std::vector<ListingMove>& moves) = 0;
    // Every listing that holds one of these SKUs (also as a component), the listings named, and of the stores in
    // `flushing` the listings that have something to send (believed known, not parked, no read wanted or open,
    // target <> believed + in_flight), scarcest target first, at most `limit` per store. Locked by listing id.
    virtual std::vector<ListingRow> lock_listings(
        MerchantId merchant,
        const std::vector<SkuId>& skus,
        const std::vector<ListingId>& ids,
        const std::vector<StoreId>& flushing,
        std::size_t limit,
        Turn turn = Turn::in_turn) = 0;
    virtual void write_listings(const std::vector<ListingRow>& rows) = 0;  // with composed and confirmed versions
    // Listings of these stores that want a quiet read (or whose hint disagrees with believed since before `hinted_before`)
    // and are neither in flight nor being read, locked; by their ids, of each store those behind the id beside it, at most
    // `limit`.
    virtual std::vector<ListingRow> claim_listings_to_read(
        MerchantId merchant,
        const std::vector<std::pair<StoreId, ListingId>>& stores,
        Instant hinted_before,
        std::size_t limit) = 0;

    // Remembers of each listing what its store told last, whichever came last; levels of no listing are left out.
    // Webhooks come in any sequence. A level is built when it is told or later, so the one that was told last shows the
    // last change; an older one that comes after it would hide what only that one shows.
    virtual void keep_hints(const std::vector<LevelHint>& hints) = 0;
    virtual void drop_hints(MerchantId merchant, const std::vector<ListingId>& listings) = 0;

    // Locked, without their items.
    virtual std::vector<FlushRow> open_flushes(MerchantId merchant, const std::vector<StoreId>& stores) = 0;
    // The same without a lock; with their items those whose commands are named. What an open flush holds never changes, and
    // only who holds its command closes it.
    virtual std::vector<FlushRow> read_open_flushes(
        MerchantId merchant,
        const std::vector<StoreId>& stores,
        const std::vector<std::string>& commands) = 0;
    // Closes what has an end, then stores the others, which are new; one open per store (unique index).
    virtual void write_flushes(const std::vector<FlushRow>& rows) = 0;

    // Sagas waiting for a stock version to be confirmed, or for a reading.
    struct Wait {
        engine::SagaKey saga;
        std::string kind;  // channels | reading
        StockKey stock;
        std::int64_t version = 0;
    };
    virtual void add_waits(const std::vector<Wait>& waits) = 0;
    // Waits are locked by kind, then by saga: "channels" are dropped before "reading".
    virtual void drop_waits(const std::vector<engine::SagaKey>& sagas, const std::string& kind) = 0;
    // A ledger, and the version of it that is reached.
    using Reached = std::pair<StockKey, std::int64_t>;
    // All waits of the sagas that wait for one of these versions, or for an earlier one.
    virtual std::vector<Wait> waits_for(const std::string& kind, const std::vector<Reached>& reached) = 0;
    virtual std::vector<Wait> waits_of(const engine::SagaKey& saga, const std::string& kind) = 0;

    virtual void set_store_status(
        MerchantId merchant,
        StoreId store,
        const std::string& status,
        Turn turn = Turn::in_turn) = 0;
    // Mode, go_live_at and observed_from of this store, as they are from now on.
    virtual void set_store_mode(const StoreRow& store, Instant since) = 0;
    // How many of the store's orders are under way and sent by us; no lock.
    virtual std::int64_t count_orders_being_sent(MerchantId merchant, StoreId store) = 0;
    // What all listings of the store show is in doubt from now on.
    virtual void doubt_listings(MerchantId merchant, StoreId store) = 0;
    // Takes a parked listing back in, in doubt. False: it is not parked (any more).
    virtual bool unpark_listing(MerchantId merchant, ListingId listing) = 0;
};

}  // namespace ordersaga::orders
