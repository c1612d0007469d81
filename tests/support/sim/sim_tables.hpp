// Every table of the simulated store. Tests and the checker of the laws read them; only transactions and the seeding
// functions of SimStore write them.
#pragma once

#include "orchestrator/engine/store.hpp"
#include "orchestrator/orders/rows.hpp"
#include "tests/support/sim/sim_table.hpp"

#include <string>
#include <tuple>
#include <vector>

namespace ordersaga::sim {

using engine::SagaKey;
using orders::Instant;
using orders::StockKey;
using sagas::ListingId;
using sagas::MerchantId;
using sagas::SkuId;
using sagas::StoreId;
using sagas::WarehouseId;

struct SimIncident {
    engine::IncidentRow row;
    Instant opened_at{};
    Instant updated_at{};
    std::optional<Instant> closed_at;
};

struct SimParkedItem {
    MerchantId merchant;
    std::string kind, subject, reason;
    nlohmann::json input;
    Instant at{};
};

// (merchant, saga, line, SKU)
using ReservationKey = std::tuple<MerchantId, std::string, std::string, SkuId>;
// (merchant, source, store, topic, webhook id)
using ReceiptKey = std::tuple<MerchantId, std::string, StoreId, std::string, std::string>;
// (merchant, source, store, topic, event id, subscription name)
using ReceiptEventKey = std::tuple<MerchantId, std::string, StoreId, std::string, std::string, std::string>;
// (merchant, listing, kind, source id)
using MoveKey = std::tuple<MerchantId, ListingId, std::string, std::string>;
// (merchant, saga, kind, ledger)
using WaitKey = std::tuple<MerchantId, std::string, std::string, StockKey>;
// (ledger, cause)
using MovementCause = std::pair<StockKey, std::string>;

struct SimTables {
    explicit SimTables(Journal& journal)
        : merchants(journal),
          warehouses(journal),
          stores(journal),
          skus(journal),
          sagas(journal),
          history(journal),
          signals(journal),
          open_commands(journal),
          closed_commands(journal),
          lanes(journal),
          duties(journal),
          announcements(journal),
          incidents(journal),
          parked(journal),
          audit(journal),
          orders(journal),
          people(journal),
          privacy(journal),
          references(journal),
          found(journal),
          stock(journal),
          movements(journal),
          movement_causes(journal),
          reservations(journal),
          listings(journal),
          hints(journal),
          moves(journal),
          flushes(journal),
          waits(journal),
          receipts(journal),
          receipt_events(journal) {}

    SimTable<MerchantId, std::string> merchants;
    SimTable<std::pair<MerchantId, WarehouseId>, orders::WarehouseRow> warehouses;
    SimTable<std::pair<MerchantId, StoreId>, orders::StoreRow> stores;
    SimTable<std::pair<MerchantId, SkuId>, orders::SkuRow> skus;

    SimTable<SagaKey, engine::SagaRow> sagas;
    SimTable<std::int64_t, engine::HistoryRow> history;
    SimTable<std::int64_t, engine::SignalRow> signals;
    SimTable<std::pair<MerchantId, std::string>, engine::CommandRow> open_commands;
    SimTable<std::pair<MerchantId, std::string>, engine::CommandRow> closed_commands;
    SimTable<std::pair<MerchantId, std::string>, engine::LaneRow> lanes;
    SimTable<std::tuple<MerchantId, std::string, std::string>, engine::DutyRow> duties;
    SimTable<std::int64_t, engine::AnnouncementRow> announcements;
    SimTable<std::int64_t, SimIncident> incidents;
    SimTable<std::int64_t, SimParkedItem> parked;
    SimTable<std::int64_t, engine::AuditRow> audit;

    SimTable<orders::OrderKey, orders::OrderRow> orders;
    SimTable<orders::OrderKey, orders::PersonalRow> people;
    SimTable<std::int64_t, orders::PrivacyRequest> privacy;
    SimTable<std::pair<MerchantId, std::string>, SagaKey> references;
    SimTable<std::pair<MerchantId, std::string>, orders::FoundFulfillment> found;
    SimTable<StockKey, orders::StockRow> stock;
    SimTable<std::int64_t, orders::MovementRow> movements;
    SimTable<MovementCause, std::int64_t> movement_causes;
    SimTable<ReservationKey, orders::ReservationRow> reservations;
    SimTable<std::pair<MerchantId, ListingId>, orders::ListingRow> listings;
    SimTable<std::pair<MerchantId, ListingId>, orders::LevelHint> hints;
    SimTable<MoveKey, orders::ListingMove> moves;
    SimTable<std::pair<MerchantId, sagas::FlushId>, orders::FlushRow> flushes;
    SimTable<WaitKey, orders::Rows::Wait> waits;
    SimTable<ReceiptKey, orders::ReceiptRow> receipts;
    SimTable<ReceiptEventKey, ReceiptKey> receipt_events;
};

}  // namespace ordersaga::sim
