// Whatever happens to a merchant's orders, in whatever sequence: the laws hold after each step, versions rise by one, and
// what is told twice counts once.
#include "tests/property/generator.hpp"
#include "tests/unit/orders/a_merchant.hpp"

#include <map>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using property::Generator;
using sagas::OutcomeKind;

constexpr int steps = 60;

class MerchantWalk {
public:
    explicit MerchantWalk(Generator& any) : any_(any), shop_(options(any)) {}

    void go() {
        for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
            SCOPED_TRACE("step " + std::to_string(step));
            act();
            EXPECT_EQ(shop_.laws(), "");
            check_history();
        }
        repeat_everything();
    }

private:
    static AMerchant::Options options(Generator& any) {
        AMerchant::Options options;
        options.order_policy = any.one_of<std::string>({"hold_and_tell", "cancel_and_refund", "backorder"});
        options.units = any.number(0, 8);
        options.shirt_buffer = any.number(0, 1);
        return options;
    }

    void act() {
        switch (any_.number(0, 9)) {
            case 0:
            case 1:
            case 2: new_order(); break;
            case 3: change_order(); break;
            case 4:
                if (!orders_.empty()) shop_.tell(an_id(), "CancelRequested", {{"by", "customer"}});
                break;
            case 5:
            case 6: end_a_command(); break;
            case 7: shop_.pass(std::chrono::seconds(any_.number(1, 40))); break;
            case 8: shop_.read_warehouse({{shirt, any_.number(0, 10)}, {mug, any_.number(0, 10)}}); break;
            case 9:
                if (!deliveries_.empty()) deliver(any_.one_of(deliveries_));
                break;
        }
    }

    const std::string& an_id() { return any_.one_of(ids_); }

    void deliver(const Delivery& delivery) {
        shop_.deliver(delivery);
        shop_.due();
    }

    void remember_and_deliver(const std::string& topic, StoreId store, const sagas::OrderDocument& order) {
        Delivery delivery = shop_.delivery(store, topic, order.order_id);
        delivery.order = order;
        deliveries_.push_back(delivery);
        deliver(delivery);
    }

    void new_order() {
        const std::string id = std::to_string(100 + ids_.size());
        const StoreId store = any_.coin() ? eu : us;
        const SkuId sku = any_.one_of<SkuId>({shirt, mug, gift_set, hat});
        ids_.push_back(id);
        orders_.emplace(id, std::make_pair(store, an_order(id, store, sku, any_.number(1, 3))));
        remember_and_deliver("orders/create", store, orders_.at(id).second);
    }

    void change_order() {
        if (orders_.empty()) return;
        auto& [store, order] = orders_.at(an_id());
        sagas::OrderLine& line = order.lines[0];
        order.updated_at += 1s;
        line.current_quantity = line.fulfillable_quantity = any_.number(0, line.quantity);
        remember_and_deliver("orders/updated", store, order);
    }

    void end_a_command() {
        std::vector<engine::CommandRow> open;
        for (const auto& [id, row] : shop_.store.tables().open_commands) {
            if (row.state == engine::CommandState::sent) open.push_back(row);
        }
        if (open.empty()) return;
        const engine::CommandRow command = any_.one_of(open);
        const sagas::Outcome outcome = outcome_of(command);
        shop_.clock.advance(1ms);
        shop_.end(command, outcome);
        EXPECT_EQ(shop_.end(command, outcome).kind, engine::InputResult::Kind::duplicate) << command.activity;
    }

    sagas::Outcome outcome_of(const engine::CommandRow& command) {
        if (any_.chance(0.2)) return ended(any_.one_of<OutcomeKind>({OutcomeKind::unknown, OutcomeKind::refused}));
        if (command.activity == sagas::activity::flush_stock) {
            json applied = json::array();
            for (std::size_t row = 0; row < command.payload.at("rows").get<std::size_t>(); ++row)
                applied.push_back(row);
            return done({{"applied", applied}, {"uncertain", json::array()}, {"refused", json::array()}});
        }
        if (command.activity == sagas::activity::read_warehouse_stock) {
            json items = json::array();
            for (const json& item : command.payload.at("items"))
                items.push_back(
                    {{"warehouse_item_id", item.at("warehouse_item_id")}, {"fulfillable", any_.number(0, 9)}});
            return done({{"items", items}});
        }
        return definition_.assumed_outcome(command.activity, command.payload);
    }

    void check_history() {
        std::map<engine::SagaKey, std::int64_t> versions;
        for (const auto& [id, row] : shop_.store.tables().history) {
            EXPECT_EQ(row.version, ++versions[row.key]) << row.key.saga_id << " after " << row.event;
        }
        for (const auto& [key, row] : shop_.store.tables().sagas) {
            EXPECT_EQ(row.version, versions[key]) << key.saga_id;
        }
    }

    // Every delivery once more, oldest last: all are known, and nothing moves.
    void repeat_everything() {
        const std::map<engine::SagaKey, engine::SagaRow> before = shop_.store.tables().sagas.rows();
        const std::size_t movements = shop_.store.tables().movements.size();
        for (auto delivery = deliveries_.rbegin(); delivery != deliveries_.rend(); ++delivery)
            EXPECT_EQ(shop_.deliver(*delivery).kind, engine::InputResult::Kind::duplicate);
        ASSERT_EQ(shop_.store.tables().sagas.size(), before.size());
        for (const auto& [key, row] : shop_.store.tables().sagas)
            EXPECT_EQ(row.version, before.at(key).version);
        EXPECT_EQ(shop_.store.tables().movements.size(), movements);
    }

    Generator& any_;
    AMerchant shop_;
    sagas::OrderSaga definition_;
    std::vector<std::string> ids_;
    std::map<std::string, std::pair<StoreId, sagas::OrderDocument>> orders_;
    std::vector<Delivery> deliveries_;
};

TEST(EngineProperty, EveryStoryKeepsTheLawsAndCountsNothingTwice) {
    property::under_seeds(60, [](Generator& any) { MerchantWalk(any).go(); });
}

}  // namespace
}  // namespace ordersaga::orders
