// A merchant with four stores and a thousand SKUs on the real engine and participant and the tests' store in memory: what a
// batch costs without a database. Peers have no limits; whoever drives it answers every command. One thread.
#pragma once

#include "orchestrator/engine/engine.hpp"
#include "orchestrator/orders/order_participant.hpp"
#include "runtime/clock.hpp"
#include "runtime/random.hpp"
#include "sagas/order_saga.hpp"
#include "tests/support/sim/sim_store.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace ordersaga::bench {

class SimShop final : public engine::CommandSink {
public:
    SimShop();

    // The webhooks of so many new orders, read and signed for: 1.3 lines each, SKUs by Zipf's law, all stores in turn.
    std::vector<engine::Input> place(int orders);
    // The stores apply every stock update that was sent to them. Empty: none is open.
    std::vector<engine::Input> flush();
    // The warehouse accepts everything it was asked for.
    std::vector<engine::Input> accept();
    // ... and shows it as shipped: every order that it has accepted and not shown yet.
    std::vector<engine::Input> ship();

    // One batch; every input must come to `state` (empty: is about no saga).
    void run(std::vector<engine::Input> inputs, std::string_view state);
    // Until nothing more is due.
    void due();

    std::size_t orders() const { return store_.tables().sagas.size(); }
    std::size_t in_state(std::string_view state) const;

private:
    void send(const std::vector<engine::CommandRow>& commands, int shards) override;
    void announce(const std::vector<engine::AnnouncementRow>& rows) override;
    void add_goods();
    void add_stores();
    std::int64_t some_sku();
    std::vector<engine::CommandRow> take_sent(std::string_view activity);
    engine::Input told(const engine::CommandRow& command, nlohmann::json payload);

    runtime::ManualClock clock_;
    runtime::SeededRandom random_{11};
    sim::SimStore store_{clock_};
    sagas::OrderSaga definition_;
    std::unique_ptr<orders::OrderParticipant> participant_;
    std::unique_ptr<engine::Engine> engine_;
    std::vector<double> popularity_;         // of the SKUs, added up
    std::vector<engine::CommandRow> sent_;   // not answered yet
    std::vector<engine::SagaKey> accepted_;  // not shipped yet
    std::vector<std::string> states_;        // of the batch that ran last
    std::int64_t placed_ = 0;
};

}  // namespace ordersaga::bench
