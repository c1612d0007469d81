// What a store tells of its levels, while the engine is busy with the very listings: it has a way of its own.
#include "tests/integration/hostile/hostile_world.hpp"

#include <future>
#include <thread>
#include <vector>

namespace ordersaga::test {
namespace {

class Levels : public HostileWorld {
protected:
    static std::string level(const char* item, std::int64_t available) {
        return json{{"inventory_item_id", item}, {"location_id", "1001"}, {"available", available}}.dump();
    }
    std::string remembered() {
        return look(
            "SELECT string_agg(variant_id || ' shows ' || available, ', ') FROM level_hints JOIN listings"
            " USING (merchant_id, listing_id)");
    }
};

TEST_F(Levels, AreRememberedWhileTheListingIsLocked) {
    std::promise<void> locked, over;
    std::thread engine([&] {
        db::Connection connection({database_->dsns().engine, "test"});
        connection.transact([&](db::Transaction& transaction) {
            transaction.query("SELECT FROM listings FOR NO KEY UPDATE");
            locked.set_value();
            over.get_future().wait();
        });
    });
    locked.get_future().wait();
    EXPECT_EQ(send("inventory_levels/update", "w1", level("601", 7)).status, 200);
    EXPECT_EQ(remembered(), "501 shows 7");
    over.set_value();
    engine.join();
}

TEST_F(Levels, ThatComeTogetherLeaveOneHintAndNoReceipt) {
    std::vector<std::future<int>> answers;
    for (int number = 0; number < 16; ++number) {
        answers.push_back(std::async(std::launch::async, [this, number] {
            return send("inventory_levels/update", "w" + std::to_string(number), level("601", 7)).status;
        }));
    }
    for (std::future<int>& answer : answers)
        EXPECT_EQ(answer.get(), 200);
    EXPECT_EQ(remembered(), "501 shows 7");
    EXPECT_EQ(count("webhook_receipts"), 0);
}

TEST_F(Levels, OfNothingThatWeSellAreAnsweredAndForgotten) {
    EXPECT_EQ(send("inventory_levels/update", "w1", level("999", 7)).status, 200);
    EXPECT_EQ(remembered(), "");
    EXPECT_EQ(send("orders/create", "w2", an_order(1).dump()).status, 200) << "what is not apart goes to the engine";
    EXPECT_EQ(count("sagas"), 1);
}

}  // namespace
}  // namespace ordersaga::test
