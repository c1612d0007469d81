#include "orchestrator/cli/setup_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace ordersaga::cli {
namespace {

class SetupFileTest : public testing::Test {
protected:
    void SetUp() override {
        folder_ =
            std::filesystem::temp_directory_path() / ("ordersaga-setup-" + std::to_string(::getpid()) + "-" +
                                                      testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::create_directories(folder_);
        write("shop.toml", good);
        write("skus.csv", "sku,title,buffer,policy\nSHIRT,A shirt,2,\nHAT,,,backorder\nSET,,,\n");
        write("bundles.csv", "bundle_sku,component_sku,quantity\nSET,SHIRT,2\nSET,HAT,1\n");
        write("listings.csv", "store,sku,variant_id,inventory_item_id\neu,SHIRT,1,11\nus,SHIRT,1,11\n");
        write("opening.csv", "sku,quantity\nSHIRT,20\nHAT,0\n");
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, const std::string& text) {
        std::ofstream(folder_ / name, std::ios::binary) << text;
    }
    SetupFile read() { return read_setup_file(folder_ / "shop.toml"); }

    std::string with(const std::string& from, const std::string& to) {
        std::string text = good;
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    }

    bool complains(const std::string& toml, const std::string& about) {
        write("shop.toml", toml);
        const std::string all = runtime::describe(read().faults);
        return all.find(about) != std::string::npos;
    }

    const std::string good = R"(
[merchant]
name = "Shirts"
[[warehouses]]
key = "main"
base_url = "http://127.0.0.1:9/w"
token_ref = "env:W"
[[stores]]
key = "eu"
shop_domain = "eu.myshopify.com"
base_url = "http://127.0.0.1:9/s/"
location_id = "1001"
token_ref = "file:/run/secrets/eu"
webhook_secret_refs = ["env:A", "env:B"]
mode = "observe"
go_live_at = "2026-07-01T00:00:00+02:00"
channel_wait = "250ms"
[[stores.ship_methods]]
title = "Standard"
method = "Standard"
[[stores]]
key = "us"
shop_domain = "us.myshopify.com"
location_id = "1002"
token_ref = "env:U"
webhook_secret_refs = ["env:U"]
go_live_at = 2026-07-01T00:00:00Z
order_policy = "backorder"
[files]
skus = "skus.csv"
bundles = "bundles.csv"
listings = "listings.csv"
opening_stock = "opening.csv"
)";
    std::filesystem::path folder_;
};

TEST_F(SetupFileTest, ReadsAWholeShop) {
    const SetupFile file = read();
    EXPECT_TRUE(file.faults.empty()) << runtime::describe(file.faults);
    const db::SetupPlan& plan = file.plan;
    EXPECT_EQ(plan.merchant, "Shirts");
    ASSERT_EQ(plan.warehouses.size(), 1U);
    EXPECT_EQ(plan.warehouses[0].kind, "shipbob");
    ASSERT_EQ(plan.stores.size(), 2U);
    EXPECT_EQ(plan.stores[0].base_url, "http://127.0.0.1:9/s");
    EXPECT_EQ(plan.stores[0].channel_wait_ms, 250);
    EXPECT_EQ(plan.stores[0].warehouse, "main");
    EXPECT_EQ(plan.stores[0].ship_methods.at(0).second, "Standard");
    EXPECT_EQ(plan.stores[1].base_url, "https://us.myshopify.com");
    EXPECT_EQ(plan.stores[1].order_policy, "backorder");
    EXPECT_EQ(plan.stores[0].mode, "observe");
    EXPECT_EQ(plan.stores[1].mode, "live");
    ASSERT_EQ(plan.skus.size(), 3U);
    EXPECT_EQ(plan.skus[0].buffer, 2);
    EXPECT_EQ(plan.skus[1].policy, "backorder");
    EXPECT_EQ(plan.bundles.size(), 2U);
    EXPECT_EQ(plan.listings.at(1).location_id, "1002");
    EXPECT_EQ(plan.opening_stock.at(0).warehouse, "main");
}

TEST_F(SetupFileTest, TellsAllFaultsAtOnce) {
    std::string broken = with("key = \"eu\"", "key = \"E U\"");
    broken.replace(broken.find("us.myshopify.com"), 16, "us.example.com/x");
    write("shop.toml", broken);
    write("skus.csv", "sku,policy,buffer\nSHIRT,maybe,-1\nSHIRT,,\n,,\nHAT,,\n");
    write("opening.csv", "sku,quantity\nNONE,5\nHAT,1.5\nSHIRT,\n");
    const std::string all = runtime::describe(read().faults);
    for (const std::string part :
         {"stores[0].key", "stores[1].shop_domain", "skus.csv:2: policy must be one of", "skus.csv:2: buffer must be",
          "skus.csv:3: sku 'SHIRT' is there twice", "skus.csv:4: sku must be", "opening.csv:2: sku 'NONE' is not among",
          "opening.csv:3: quantity must be", "opening.csv:4: quantity must be"}) {
        EXPECT_NE(all.find(part), std::string::npos) << part << "\nin\n" << all;
    }
}

TEST_F(SetupFileTest, KeepsSecretsOutOfTheFile) {
    EXPECT_TRUE(complains(with("token_ref = \"env:W\"", "token_ref = \"shpat_0123456789\""), "token_ref"));
    EXPECT_FALSE(complains(with("token_ref = \"env:W\"", "token_ref = \"shpat_0123456789\""), "shpat_0123456789"));
    EXPECT_TRUE(complains(with("[\"env:U\"]", "[\"hush\"]"), "webhook_secret_refs"));
    EXPECT_TRUE(complains(with("[\"env:U\"]", "[]"), "webhook_secret_refs"));
    EXPECT_TRUE(complains(with("[\"env:U\"]", "[\"env:1\",\"env:2\",\"env:3\"]"), "webhook_secret_refs"));
}

TEST_F(SetupFileTest, RefusesPlainHttpOffThisMachine) {
    EXPECT_TRUE(complains(with("http://127.0.0.1:9/s/", "http://eu.example.com"), "must be https"));
    EXPECT_TRUE(complains(with("http://127.0.0.1:9/s/", "file:///etc/passwd"), "base_url"));
    EXPECT_TRUE(complains(with("http://127.0.0.1:9/s/", "https://user:password@eu.example.com"), "base_url"));
}

TEST_F(SetupFileTest, RefusesAddressesThatNoPeerHas) {
    for (const char* url : {"https://169.254.169.254", "https://0.0.0.0", "https://2852039166", "https://[fe80::1]"})
        EXPECT_TRUE(complains(with("http://127.0.0.1:9/s/", url), "no peer has")) << url;
}

// What is not mapped waits for a person: there is no title that stands for all others.
TEST_F(SetupFileTest, WantsEachShippingLineByName) {
    EXPECT_TRUE(complains(with("title = \"Standard\"", "title = \"*\""), "there is no default"));
    EXPECT_TRUE(complains(with("title = \"Standard\"", ""), "ship_methods[0].title"));
    EXPECT_TRUE(complains(
        with(
            "method = \"Standard\"\n",
            "method = \"Standard\"\n[[stores.ship_methods]]\ntitle = \"Standard\"\nmethod = \"Express\"\n"),
        "is there twice"));

    write("shop.toml", with("title = \"Standard\"", "title = \"\""));
    EXPECT_EQ(read().plan.stores.at(0).ship_methods.at(0).first, "") << "orders without a shipping line";
}

TEST_F(SetupFileTest, SendsWebhooksToThePublicUrl) {
    EXPECT_EQ(read().plan.stores.at(0).webhook_url, "") << "not told: not looked after";

    write("shop.toml", with("name = \"Shirts\"", "name = \"Shirts\"\npublic_url = \"https://hooks.example.com/\""));
    const SetupFile file = read();
    EXPECT_TRUE(file.faults.empty()) << runtime::describe(file.faults);
    EXPECT_EQ(file.plan.stores.at(1).webhook_url, "https://hooks.example.com/webhooks/shopify");
    EXPECT_EQ(file.plan.warehouses.at(0).webhook_url, "https://hooks.example.com/webhooks/shipbob/main");
    EXPECT_TRUE(complains(
        with("name = \"Shirts\"", "name = \"Shirts\"\npublic_url = \"http://hooks.example.com\""), "must be https"));
}

TEST_F(SetupFileTest, RefusesMalformedTomlUnknownKeysAndMissingFiles) {
    EXPECT_TRUE(complains("[merchant", "shop.toml"));
    EXPECT_TRUE(complains(with("key = \"us\"", "key = \"us\"\ncolour = \"red\""), "colour"));
    EXPECT_TRUE(complains(with("go_live_at = 2026-07-01T00:00:00Z", ""), "go_live_at"));
    EXPECT_TRUE(complains(with("\"skus.csv\"", "\"nothing.csv\""), "cannot be read"));
    EXPECT_TRUE(complains(with("key = \"us\"", "key = \"eu\""), "twice"));
    EXPECT_FALSE(read_setup_file(folder_ / "absent.toml").faults.empty());
}

TEST_F(SetupFileTest, RefusesReferencesThatLeadNowhere) {
    write("bundles.csv", "bundle_sku,component_sku,quantity\nSET,SHIRT,2\nSHIRT,HAT,1\nSET,NONE,1\n");
    write(
        "listings.csv",
        "store,sku,variant_id,inventory_item_id,location_id\nxx,SHIRT,1,11,\neu,SHIRT,1a,11,\neu,HAT,2,12,999\neu,HAT,"
        "2,12,\n");
    write("opening.csv", "sku,quantity,warehouse\nSET,1,main\nHAT,1,other\n");
    const std::string all = runtime::describe(read().faults);
    for (const std::string part :
         {"bundles.csv:2: component 'SHIRT' is itself a bundle", "bundles.csv:4: component_sku 'NONE'",
          "listings.csv:2: store 'xx'", "listings.csv:3: variant_id", "listings.csv:4: location_id",
          "listings.csv:5: this variant_id", "opening.csv:2: a bundle has no stock",
          "opening.csv:3: warehouse 'other'"}) {
        EXPECT_NE(all.find(part), std::string::npos) << part << "\nin\n" << all;
    }
}

}  // namespace
}  // namespace ordersaga::cli
