#include "orchestrator/webhook/store_directory.hpp"

#include "tests/integration/api/two_merchants.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

namespace ordersaga::test {
namespace {

using namespace std::chrono_literals;

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < deadline) {
        if (condition()) return true;
        std::this_thread::yield();
    }
    return false;
}

TEST(DatabaseStoreDirectory, FollowsTheDatabaseAndOutlivesItsLoss) {
    ::setenv("ORDERSAGA_TEST_SECRET", "shh", 1);
    TwoMerchants world;
    webhook::DatabaseStoreDirectory directory({world.database.dsns().engine, 50ms});
    ASSERT_TRUE(directory.wait_until_loaded(10s));

    const auto store = directory.store_by_domain("first.myshopify.com");
    ASSERT_TRUE(store);
    EXPECT_EQ(store->merchant.value, world.first);
    EXPECT_EQ(store->secrets, std::vector<std::string>{"shh"});
    EXPECT_FALSE(directory.store_by_domain("third.myshopify.com"));
    EXPECT_EQ(directory.warehouses_by_key("main").size(), 2U);

    db::apply_setup(world.session, plan_of("Third", "third.myshopify.com"), "test", "test", false);
    EXPECT_TRUE(eventually([&] { return directory.store_by_domain("third.myshopify.com") != nullptr; }));

    world.database.cut_connections();
    EXPECT_TRUE(directory.store_by_domain("third.myshopify.com"));
    db::Session fresh({world.database.dsns().engine, "test"});
    db::apply_setup(fresh, plan_of("Fourth", "fourth.myshopify.com"), "test", "test", false);
    EXPECT_TRUE(eventually([&] { return directory.store_by_domain("fourth.myshopify.com") != nullptr; }));
}

// From the old secret alone over both to the new one alone, and never a moment without the one that is in use.
TEST(DatabaseStoreDirectory, FollowsASecretThatIsReplaced) {
    ::setenv("ORDERSAGA_TEST_SECRET", "old", 1);
    ::setenv("ORDERSAGA_TEST_NEXT_SECRET", "new", 1);
    TwoMerchants world;
    webhook::DatabaseStoreDirectory directory({world.database.dsns().engine, 20ms});
    ASSERT_TRUE(directory.wait_until_loaded(10s));
    using Secrets = std::vector<std::string>;
    const auto becomes = [&](const std::vector<std::string>& references, const Secrets& wanted, const Secrets& before) {
        db::SetupPlan plan = plan_of("First", "first.myshopify.com");
        plan.stores[0].webhook_secret_refs = references;
        db::apply_setup(world.session, plan, "test", "test", false);
        return eventually([&] {
            const Secrets secrets = directory.store_by_domain("first.myshopify.com")->secrets;
            EXPECT_TRUE(secrets == before || secrets == wanted) << testing::PrintToString(secrets);
            return secrets == wanted;
        });
    };

    EXPECT_TRUE(becomes({"env:ORDERSAGA_TEST_NEXT_SECRET", "env:ORDERSAGA_TEST_SECRET"}, {"new", "old"}, {"old"}));
    EXPECT_TRUE(becomes({"env:ORDERSAGA_TEST_NEXT_SECRET"}, {"new"}, {"new", "old"}));
}

TEST(ResolveSecret, ReadsReferencesOnly) {
    ::setenv("ORDERSAGA_TEST_SECRET", "shh", 1);
    EXPECT_EQ(webhook::resolve_secret("env:ORDERSAGA_TEST_SECRET"), "shh");
    EXPECT_FALSE(webhook::resolve_secret("env:ORDERSAGA_TEST_NOTHING"));
    EXPECT_FALSE(webhook::resolve_secret("file:/nowhere/at/all"));
    EXPECT_FALSE(webhook::resolve_secret("a plain secret"));
    EXPECT_FALSE(webhook::resolve_secret(""));
}

}  // namespace
}  // namespace ordersaga::test
