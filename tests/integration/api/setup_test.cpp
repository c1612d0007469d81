#include "db/setup.hpp"

#include "tests/integration/api/two_merchants.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ordersaga::test {
namespace {

class SetupTest : public testing::Test {
protected:
    db::SetupReport apply(bool dry_run = false) { return db::apply_setup(session_, plan_, "test", "why", dry_run); }

    std::string one(const std::string& statement) {
        std::string text;
        session_.transact([&](db::Transaction& transaction) { text = transaction.query(statement).text(0, 0); });
        return text;
    }

    static std::vector<std::string> actions_of(const db::SetupReport& report) {
        std::vector<std::string> actions;
        for (const db::SetupChange& change : report.changes)
            actions.push_back(change.kind + " " + change.name + " " + change.action);
        return actions;
    }

    TestDatabase database_;
    db::Session session_{{database_.dsns().engine, "test"}};
    db::SetupPlan plan_ = plan_of("Shirts", "eu.myshopify.com");
};

TEST_F(SetupTest, CreatesEverythingOnce) {
    EXPECT_FALSE(apply().changes.empty());
    EXPECT_TRUE(apply().changes.empty());
    EXPECT_EQ(
        one("SELECT string_agg(duty || split_part(subject, ':', 1), ' ' ORDER BY duty) FROM duties"),
        "PollFulfillmentswarehouse PollOrdersstore QuietReadsstore ReadWarehouseStockwarehouse");
    EXPECT_EQ(
        one("SELECT string_agg(sku || '=' || available || '/' || version, ' ' ORDER BY sku) FROM stock JOIN skus USING "
            "(sku_id)"),
        "HAT=3/1 SHIRT=20/1");
    EXPECT_EQ(one("SELECT count(*)::text FROM stock_movements WHERE kind = 'opening'"), "2");
    EXPECT_EQ(one("SELECT count(*)::text FROM listing_components"), "4");
    EXPECT_EQ(one("SELECT count(*)::text FROM audit"), "1");
    // The buffer is kept back; a bundle is as scarce as its scarcest part.
    EXPECT_EQ(
        one("SELECT string_agg(sku || '=' || target, ' ' ORDER BY sku) FROM listings JOIN skus USING (sku_id)"),
        "HAT=3 SET=3 SHIRT=18");
}

TEST_F(SetupTest, ChangesNothingInADryRun) {
    EXPECT_FALSE(apply(true).changes.empty());
    EXPECT_EQ(one("SELECT count(*)::text FROM merchants"), "0");
}

TEST_F(SetupTest, UpdatesWhatDiffersAndKeepsOpeningStock) {
    apply();
    plan_.stores[0].order_policy = "backorder";
    plan_.skus[1].title = "A hat";
    plan_.bundles = {{"SET", "SHIRT", 3}};
    plan_.opening_stock[0].quantity = 25;
    const std::vector<std::string> expected{
        "store eu changed", "sku HAT changed", "bundle part SET / HAT removed", "bundle part SET / SHIRT changed",
        "opening stock SHIRT / main kept"};
    EXPECT_EQ(actions_of(apply()), expected);
    EXPECT_EQ(one("SELECT available::text FROM stock JOIN skus USING (sku_id) WHERE sku = 'SHIRT'"), "20");
    EXPECT_EQ(
        one("SELECT quantity::text FROM listing_components JOIN listings USING (listing_id) JOIN skus ON skus.sku_id = "
            "listings.sku_id WHERE sku = 'SET'"),
        "3");
}

TEST_F(SetupTest, TakesTheTimeThatALargeCatalogueNeeds) {
    session_.transact([](db::Transaction& transaction) {
        transaction.query("SELECT set_config('statement_timeout', '20ms', false)");
    });
    for (int i = 0; i < 500; ++i) {
        const std::string number = std::to_string(i);
        plan_.skus.push_back({"MANY-" + number, "", "item-" + number, "deny", "trust-mirror", 0, 0, false});
        plan_.listings.push_back({"eu", "MANY-" + number, "many-" + number, "inventory-" + number, "4"});
    }
    apply();
    EXPECT_EQ(one("SELECT count(*)::text FROM listings WHERE variant_id LIKE 'many-%'"), "500");
    EXPECT_EQ(one("SHOW statement_timeout"), "20ms") << "for the setup alone";
}

// Applied again after the cut-over, the file must not make older orders be sent.
TEST_F(SetupTest, NeitherChangesAModeNorMovesACutOverBack) {
    plan_.stores[0].mode = "observe";
    apply();
    EXPECT_EQ(one("SELECT mode FROM stores"), "observe");
    session_.transact([](db::Transaction& transaction) {
        transaction.execute("UPDATE stores SET mode = 'live', go_live_at = go_live_at + interval '1 hour'");
    });
    const std::string cut_over = one("SELECT go_live_at::text FROM stores");
    const db::SetupReport report = apply();
    EXPECT_EQ(actions_of(report), std::vector<std::string>{"store eu kept"});
    EXPECT_NE(report.changes.at(0).note.find("sagactl store mode"), std::string::npos);
    EXPECT_EQ(one("SELECT mode || ' ' || go_live_at FROM stores"), "live " + cut_over);
    EXPECT_EQ(one("SELECT count(*)::text FROM audit"), "1") << "nothing was changed";

    plan_.stores[0].mode = "live";
    plan_.stores[0].go_live_at += std::chrono::hours(2);
    EXPECT_EQ(actions_of(apply()), std::vector<std::string>{"store eu changed"}) << "forward it may go";
}

TEST_F(SetupTest, LeavesTheTargetOfALiveListingAlone) {
    apply();
    session_.transact(
        [](db::Transaction& transaction) { transaction.execute("UPDATE listings SET believed = 7, target = 7"); });
    apply();
    EXPECT_EQ(one("SELECT string_agg(DISTINCT target::text, ' ') FROM listings"), "7");
}

TEST_F(SetupTest, OpensALedgerThatWasShortWithoutBreakingConservation) {
    plan_.opening_stock.clear();
    apply();
    session_.transact([](db::Transaction& transaction) {
        transaction.execute(
            "INSERT INTO stock (merchant_id, sku_id, warehouse_id, reserved, short_by) "
            "SELECT skus.merchant_id, sku_id, warehouse_id, 4, 4 FROM skus, warehouses WHERE sku = 'SHIRT'");
    });
    plan_.opening_stock = {{"SHIRT", "main", 10}};
    apply();
    EXPECT_EQ(one("SELECT on_hand || ' ' || available || ' ' || reserved || ' ' || short_by FROM stock"), "10 6 4 0");
}

TEST_F(SetupTest, WatchesSubscriptionsOnceItIsToldWhereTheyGo) {
    apply();
    plan_.stores[0].webhook_url = "https://hooks.example.com/webhooks/shopify";
    const std::vector<std::string> actions = actions_of(apply());

    ASSERT_EQ(actions.size(), 2U);
    EXPECT_EQ(actions[0], "store eu changed");
    EXPECT_EQ(actions[1].rfind("duty CheckSubscriptions store:", 0), 0U) << actions[1];
    EXPECT_TRUE(apply().changes.empty());
}

// An order that was held because nobody had mapped its shipping line goes on by itself when somebody has.
TEST_F(SetupTest, ReleasesOrdersWhoseShippingLineIsMappedNow) {
    apply();
    session_.transact([](db::Transaction& transaction) {
        transaction.execute(
            "INSERT INTO sagas (merchant_id, saga_id, kind, definition_version, state, version, data, subject, shard,"
            " next_wake, final, created_at, updated_at)"
            " SELECT merchant_id, '00000000-0000-7000-8000-000000000001', 'order', 1, 'OnHold', 1,"
            " jsonb_build_object('store_id', store_id, 'ship_line', 'Overnight', 'holds', "
            "jsonb_build_array('ship_method')),"
            " 'eu #1001', 0, now() + interval '1 hour', false, now(), now() FROM stores");
    });
    EXPECT_TRUE(apply().changes.empty());

    plan_.stores[0].ship_methods.emplace_back("Overnight", "Express");
    EXPECT_EQ(actions_of(apply()), (std::vector<std::string>{"store eu changed", "held order eu #1001 released"}));
    EXPECT_EQ(one("SELECT event || ' ' || (payload->>'ship_method') FROM signals"), "HoldReleased Express");
    EXPECT_TRUE(apply().changes.empty()) << "told once";
}

TEST_F(SetupTest, RefusesAShopThatBelongsToAnotherMerchant) {
    apply();
    plan_.merchant = "Thieves";
    EXPECT_THROW(apply(), db::BadData);
    EXPECT_EQ(one("SELECT count(*)::text FROM merchants"), "1");
}

}  // namespace
}  // namespace ordersaga::test
