// Everything of one run: the rows, several orchestrators on them, a broker that loses and doubles, workers, shops and a
// warehouse. The world only connects them; what happens in it is the scenario's affair.
//
// The rows lie in the simulated store, or on other ground: the same world then runs on a real database.
#pragma once

#include "tests/simulation/broker.hpp"
#include "tests/simulation/engine_host.hpp"
#include "tests/simulation/shop.hpp"
#include "tests/simulation/warehouse.hpp"
#include "tests/simulation/weather.hpp"
#include "tests/simulation/worker.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::simulation {

inline constexpr sagas::MerchantId merchant{1};
inline constexpr sagas::WarehouseId warehouse_id{1};

struct StockedSku {
    sagas::SkuId id;
    std::string name;
    std::string policy = "deny";
    std::string reading = "trust-mirror";
    std::int64_t buffer = 0;
    std::int64_t opening = 0;                                       // of a bundle: none
    std::vector<std::pair<sagas::SkuId, std::int64_t>> components;  // of a bundle
    std::string item_id() const { return std::to_string(700 + id.value); }
};

// Where the rows are instead of the simulated store. Its time must be the world's.
class Ground {
public:
    virtual ~Ground() = default;
    // Before the first host: everything that was seeded.
    virtual void open(const sim::SimTables& seeded) = 0;
    // One for each host.
    virtual engine::Store& add_store() = 0;
    // As they are now; valid until the next call.
    virtual const sim::SimTables& tables() = 0;
};

// How the engine is set up in this run; drawn by the scenario.
struct Settings {
    sagas::OrderSagaSettings saga;
    orders::OrderParticipantSettings participant;
};

class World {
public:
    using MakeGround = std::function<std::unique_ptr<Ground>(runtime::Clock&, Weather&)>;

    World(const Options& options, Settings settings, bool print, const MakeGround& make_ground = {});
    ~World();

    // Before the run begins.
    void add_sku(const StockedSku& sku);
    Shop& add_shop(const std::string& key, const std::string& order_policy, Duration hold_expiry);
    // Lists every SKU in every shop; `shown` gives the figure a shop begins with.
    void list_all(const std::function<std::int64_t(const Shop&, const StockedSku&)>& shown);
    void start(int hosts, int workers);

    // Hears of every saga that a commit has changed, from an engine that has lived to tell.
    void set_onlooker(std::function<void(const engine::SagaChange&)> onlooker) { onlooker_ = std::move(onlooker); }

    // Hears whenever a shop says that one of its levels has changed.
    void set_level_onlooker(std::function<void()> onlooker) { level_onlooker_ = std::move(onlooker); }

    // Until `end`, or until `settled` says so, which is asked once in a while from `calm` on. Checks the laws again and
    // again on the way.
    void run_until(Instant calm, Instant end, const std::function<bool()>& settled);

    // What people say to whichever orchestrator listens; said again until it is answered.
    void tell(const engine::SagaKey& saga, sagas::Event event);

    Agenda& agenda() { return agenda_; }
    Weather& weather() { return weather_; }
    const Weather& weather() const { return weather_; }
    Trace& trace() { return trace_; }
    Broker& broker() { return broker_; }
    const sim::SimTables& tables() const { return ground_ ? ground_->tables() : store_.tables(); }
    const std::vector<std::string>& lock_violations() const { return store_.lock_violations(); }
    std::vector<std::unique_ptr<Shop>>& shops() { return shops_; }
    const std::vector<std::unique_ptr<Shop>>& shops() const { return shops_; }
    Warehouse& warehouse() { return warehouse_; }
    const Warehouse& warehouse() const { return warehouse_; }
    const std::vector<StockedSku>& skus() const { return skus_; }
    const Broker::Hosts& hosts() const { return hosts_; }
    const Broker::Workers& workers() const { return workers_; }
    const std::vector<std::string>& violations() const { return violations_; }
    // The stores' webhooks that were answered 200 and have to be on record.
    const std::vector<sim::ReceiptEventKey>& answered() const { return answered_; }
    static const Instant start_time;

private:
    struct Post;  // a webhook under way

    void post(orders::ReceiptRow receipt, nlohmann::json body);
    void post_of_shop(const Shop& shop, const ShopWebhook& webhook);
    void deliver(const std::shared_ptr<Post>& post, int attempt);
    void say(const std::function<engine::Input()>& input);
    void hear(const EngineHost& from, const EngineHost::Changes& changes);

    Settings settings_;
    runtime::ManualClock clock_;
    Agenda agenda_;
    Trace trace_;
    Weather weather_;
    sim::SimStore store_;
    std::unique_ptr<Ground> ground_;
    sagas::OrderSaga definition_;
    Warehouse warehouse_;
    std::vector<std::unique_ptr<Shop>> shops_;
    Broker broker_;
    Broker::Workers workers_;
    Broker::Hosts hosts_;
    std::vector<StockedSku> skus_;
    std::function<void(const engine::SagaChange&)> onlooker_;
    std::function<void()> level_onlooker_;
    std::vector<std::string> violations_;
    std::vector<sim::ReceiptEventKey> answered_;
    std::uint64_t seed_;
    std::uint64_t posts_ = 0;
};

}  // namespace ordersaga::simulation
