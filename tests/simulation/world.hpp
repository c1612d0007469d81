// Everything of one run: the store of rows, several orchestrators on it, a broker that loses and doubles, workers, shops
// and a warehouse. The world only connects them; what happens in it is the scenario's affair.
#pragma once

#include "tests/simulation/engine_host.hpp"
#include "tests/simulation/shop.hpp"
#include "tests/simulation/warehouse.hpp"
#include "tests/simulation/weather.hpp"
#include "tests/simulation/worker.hpp"

#include <cstdint>
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

class World {
public:
    World(std::uint64_t seed, bool print);
    ~World();

    // Before the run begins.
    void add_sku(const StockedSku& sku);
    Shop& add_shop(const std::string& key, const std::string& order_policy);
    // Lists every SKU in every shop; `shown` gives the figure a shop begins with.
    void list_all(const std::function<std::int64_t(const Shop&, const StockedSku&)>& shown);
    void start_hosts(int count);

    // True: the time came; false never. Checks the laws again and again on the way.
    void run_until(Instant end);

    Agenda& agenda() { return agenda_; }
    Weather& weather() { return weather_; }
    Trace& trace() { return trace_; }
    const sim::SimStore& store() const { return store_; }
    std::vector<std::unique_ptr<Shop>>& shops() { return shops_; }
    const std::vector<std::unique_ptr<Shop>>& shops() const { return shops_; }
    Warehouse& warehouse() { return warehouse_; }
    const Warehouse& warehouse() const { return warehouse_; }
    const std::vector<StockedSku>& skus() const { return skus_; }
    std::vector<std::unique_ptr<EngineHost>>& hosts() { return hosts_; }
    const std::vector<std::string>& violations() const { return violations_; }
    static const Instant start;

private:
    struct Post;  // a webhook under way

    void post(orders::ReceiptRow receipt, nlohmann::json body);
    void post_of_shop(const Shop& shop, const ShopWebhook& webhook);
    void deliver(const std::shared_ptr<Post>& post, int attempt);
    void publish(EngineHost& host, const engine::CommandRow& command);
    void bring_to_worker(const engine::CommandRow& command, bool seen_before);
    void bring_outcome(const engine::CommandRow& command, const sagas::Outcome& outcome);
    EngineHost& any_host();

    runtime::ManualClock clock_;
    Agenda agenda_;
    Trace trace_;
    Weather weather_;
    sim::SimStore store_;
    sagas::OrderSaga definition_;
    Warehouse warehouse_;
    std::vector<std::unique_ptr<Shop>> shops_;
    std::unique_ptr<Worker> worker_;
    std::vector<std::unique_ptr<EngineHost>> hosts_;
    std::vector<StockedSku> skus_;
    std::vector<std::string> violations_;
    std::uint64_t seed_;
    std::uint64_t posts_ = 0;
};

}  // namespace ordersaga::simulation
