// The order saga's side of a batch: orders, stock, listings and flushes change in the engine's transaction; stores and the
// warehouse are watched by duties. See engine/participant.hpp for the sequence of calls.
#pragma once

#include "orchestrator/engine/participant.hpp"
#include "orchestrator/orders/rows.hpp"
#include "runtime/random.hpp"

#include <memory>

namespace ordersaga::orders {

struct WantedLate;

struct OrderParticipantSettings {
    Duration poll_orders_every = std::chrono::seconds(60);  // backfill per store
    Duration poll_orders_overlap = std::chrono::minutes(5);
    Duration read_stock_every = std::chrono::seconds(30);   // the warehouse mirror
    Duration mirror_fresh_for = std::chrono::seconds(60);   // trust-mirror: older figures are asked for first
    Duration demand_read_every = std::chrono::seconds(30);  // at most one on-demand read per SKU
    Duration demand_read_wait = std::chrono::seconds(5);    // and who waits for it
    Duration poll_fulfillments_every = std::chrono::seconds(60);
    Duration poll_fulfillments_overlap = std::chrono::seconds(30);
    Duration quiet_reads_every = std::chrono::seconds(15);
    Duration hint_settles_after =
        std::chrono::seconds(60);  // a level hint that still disagrees after this is looked into
    Duration check_subscriptions_every = std::chrono::minutes(10);
    std::size_t quiet_read_limit = 100;
    std::size_t woken_at_once =
        300;                   // by the flush that they waited for, in the batch in which it ends; the others after it
    int store_window = 4;      // calls in flight per store
    int warehouse_window = 8;  // ... and per warehouse
};

// The participant's side of a transaction: every store that an engine with orders runs on has both.
inline Rows& rows_of(engine::Transaction& transaction) {
    return dynamic_cast<Rows&>(transaction);
}

class OrderParticipant final : public engine::Participant {
public:
    explicit OrderParticipant(runtime::Random& random, OrderParticipantSettings settings = {});
    ~OrderParticipant() override;

    std::unique_ptr<engine::Session> begin(engine::Transaction& transaction, engine::Batch& batch) override;
    engine::LaneRow new_lane(
        engine::Transaction& transaction,
        MerchantId merchant,
        const std::string& lane,
        Instant now) override;

private:
    runtime::Random& random_;
    OrderParticipantSettings settings_;
    std::unique_ptr<WantedLate> late_;
};

}  // namespace ordersaga::orders
