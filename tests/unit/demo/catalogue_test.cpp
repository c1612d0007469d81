// What is sold, and the documents that tell it.
#include "sandbox/demo/catalogue.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::demo {
namespace {

using nlohmann::json;

TEST(Catalogue, ShowsBufferedStockAndTheScarcestPartOfABundle) {
    Catalogue catalogue;
    catalogue.articles = {
        {"A", "", ArticleKind::plentiful, 10, 3, {}},
        {"B", "", ArticleKind::plentiful, 7, 0, {}},
        {"AB", "", ArticleKind::bundle, 0, 0, {{"A", 1}, {"B", 2}}},
    };

    const auto shown = shown_in_stores(catalogue, {{"A", 10}, {"B", 7}});
    EXPECT_EQ(shown.at("A"), 7);
    EXPECT_EQ(shown.at("B"), 7);
    EXPECT_EQ(shown.at("AB"), 3);
    EXPECT_EQ(shown_in_stores(catalogue, {{"A", 1}, {"B", -2}}).at("A"), 0);
    EXPECT_EQ(shown_in_stores(catalogue, {{"A", 1}, {"B", -2}}).at("B"), 0);
}

TEST(Catalogue, TellsTheSandboxEveryArticleAndNoBundleToTheWarehouse) {
    const Catalogue catalogue = make_catalogue(100, 2, 1);
    const json setup = sandbox_setup(catalogue, {});

    ASSERT_EQ(setup.at("stores").size(), 2U);
    EXPECT_EQ(setup.at("stores")[0].at("variants").size(), catalogue.articles.size());
    EXPECT_EQ(
        setup.at("warehouses")[0].at("products").size(),
        catalogue.articles.size() - catalogue.skus_of(ArticleKind::bundle).size());
    EXPECT_EQ(setup.at("warehouses")[0].at("rate_limit_per_minute"), 0);
}

TEST(Catalogue, KeepsTheRealLimitsWhenAsked) {
    WorldSettings settings;
    settings.real_limits = true;
    const json setup = sandbox_setup(make_catalogue(10, 1, 1), settings);

    EXPECT_EQ(setup.at("warehouses")[0].at("rate_limit_per_minute"), 150);
    EXPECT_FALSE(setup.at("stores")[0].contains("bucket_points"));
}

TEST(Catalogue, WritesSecretsIntoTheEnvironmentOnly) {
    const Catalogue catalogue = story_catalogue();
    const auto level = json{{"sku", "T-SHIRT"}, {"variant_id", "11"}, {"inventory_item_id", "12"}};
    const auto store = [&](const char* name) {
        return json{
            {"base_url", std::string("http://127.0.0.1:1/shopify/") + name},
            {"api_version", "2026-07"},
            {"locations", json::array({{{"id", "7"}}})},
            {"levels", json::array({level})},
            {"secret", "hush"},
            {"client_id", "client-1"},
            {"access_token", "shpat"}};
    };
    const json world = {
        {"stores", json::array({store("a"), store("b")})},
        {"warehouses", json::array(
                           {{{"base_url", "http://127.0.0.1:1/shipbob/main"},
                             {"channel_id", 5},
                             {"access_token", "pat"},
                             {"webhook_secret", "whsec_x"},
                             {"products", json::array({{{"sku", "T-SHIRT"}, {"product_id", 9}}})}}})},
    };

    const SetupFiles files = setup_files(catalogue, world, {}, "2026-07-01T00:00:00Z");

    for (const auto& [name, content] : files.files)
        EXPECT_EQ(content.find("hush"), std::string::npos) << name;
    EXPECT_EQ(files.worker_toml.find("shpat"), std::string::npos);
    EXPECT_EQ(files.secrets.at("DEMO_SECRET_BLUE"), "hush");
    EXPECT_EQ(files.secrets.at("DEMO_TOKEN_MAIN"), "pat");
    EXPECT_NE(files.files.at("skus.csv").find("T-SHIRT,Popular T-Shirt,9,deny"), std::string::npos);
    EXPECT_NE(files.files.at("listings.csv").find("red,T-SHIRT,11,12"), std::string::npos);
    EXPECT_NE(files.files.at("opening.csv").find("T-SHIRT,1,main"), std::string::npos);
    EXPECT_TRUE(files.clients.empty());

    WorldSettings ending;
    ending.token_lifetime_s = 60;
    const SetupFiles renewed = setup_files(catalogue, world, ending, "2026-07-01T00:00:00Z");
    EXPECT_EQ(renewed.worker_toml.find("DEMO_TOKEN_BLUE"), std::string::npos);
    EXPECT_EQ(renewed.clients.at("blue").id, "client-1");
    EXPECT_EQ(sandbox_setup(catalogue, ending).at("stores")[0].at("token_lifetime_s"), 60);
}

}  // namespace
}  // namespace ordersaga::demo
