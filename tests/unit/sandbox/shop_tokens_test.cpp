#include "runtime/crypto.hpp"
#include "runtime/url.hpp"
#include "tests/unit/sandbox/a_world.hpp"

#include <gtest/gtest.h>

#include <map>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

class ShopTokensTest : public testing::Test {
protected:
    ShopTokensTest() {
        world.shop->store.settings().client_id = "client-1";
        world.shop->store.settings().token_lifetime_s = 60;
    }

    json grant(const std::string& form, std::int64_t ms = 0) {
        const PeerAnswer answer = tokens().grant("client_id=client-1&client_secret=hush&" + form, at_ms(ms));
        return json::parse(answer.body);
    }
    int status_with(const std::string& token, std::int64_t ms) {
        return world.shop->admin
            .handle("2026-07", token, R"({"query":"{ locations(first: 1) { nodes { id } } }"})", at_ms(ms))
            .status;
    }
    std::map<std::string, std::string> code_of_authorization() {
        const PeerAnswer answer = tokens().authorize(
            {{"client_id", "client-1"}, {"redirect_uri", "https://us.example/back"}, {"state", "s 1"}}, noon);
        EXPECT_EQ(answer.status, 302);
        const std::string location = answer.headers.at(0).second;
        EXPECT_TRUE(location.starts_with("https://us.example/back?"));
        const auto fields = runtime::parse_query(location.substr(location.find('?') + 1));
        return {fields->begin(), fields->end()};
    }
    ShopTokens& tokens() { return world.shop->admin.tokens(); }

    SmallWorld world;
};

TEST_F(ShopTokensTest, ATokenEndsAfterItsTime) {
    const json granted = grant("grant_type=client_credentials");
    EXPECT_EQ(granted.at("expires_in"), 59);
    const std::string token = granted.at("access_token");

    EXPECT_EQ(status_with(token, 59'999), 200);
    EXPECT_EQ(status_with(token, 60'000), 401);

    EXPECT_EQ(tokens().account().dump(), R"({"calls_after_expiry":1,"granted":1})");
    EXPECT_EQ(status_with("shpat_blue", 0), 401) << "the token of the settings is good for ever or for nothing";
}

TEST_F(ShopTokensTest, ANewTokenDoesNotEndTheOldOne) {
    const std::string first = grant("grant_type=client_credentials").at("access_token");
    grant("grant_type=client_credentials", 1'000);
    EXPECT_EQ(status_with(first, 2'000), 200);
}

TEST_F(ShopTokensTest, GrantsNothingToStrangers) {
    EXPECT_EQ(tokens().grant("grant_type=client_credentials&client_id=client-1&client_secret=guess", noon).status, 400);
    EXPECT_EQ(tokens().grant("grant_type=client_credentials&client_id=other&client_secret=hush", noon).status, 400);
    EXPECT_EQ(grant("code=made-up").at("error"), "invalid_request");
    world.shop->store.settings().status = "uninstalled";
    EXPECT_EQ(grant("grant_type=client_credentials").at("error"), "app_not_installed");
}

TEST_F(ShopTokensTest, SignsTheCodeItSendsBack) {
    std::map<std::string, std::string> fields = code_of_authorization();
    const std::string expected = runtime::to_hex(runtime::hmac_sha256(
        "hush", "code=" + fields["code"] + "&shop=blue.myshopify.com&state=s 1&timestamp=" + fields["timestamp"]));
    EXPECT_EQ(fields["hmac"], expected);
    EXPECT_EQ(fields["state"], "s 1");
}

TEST_F(ShopTokensTest, ACodeIsGoodOnce) {
    const std::string code = code_of_authorization()["code"];
    EXPECT_TRUE(grant("code=" + code).contains("refresh_token"));
    EXPECT_EQ(grant("code=" + code).at("error"), "invalid_request");
}

// A lost answer is asked for again; once the successor is in use, the used one is dead.
TEST_F(ShopTokensTest, ARefreshTokenDiesWhenItsSuccessorIsUsed) {
    const std::string first = grant("code=" + code_of_authorization()["code"]).at("refresh_token");
    const std::string form = "grant_type=refresh_token&refresh_token=" + first;
    EXPECT_TRUE(grant(form).contains("access_token"));

    const json second = grant(form);
    EXPECT_NE(second.at("refresh_token"), first);
    EXPECT_EQ(status_with(second.at("access_token"), 0), 200);

    EXPECT_EQ(grant(form).at("error"), "invalid_grant");
}

TEST_F(ShopTokensTest, TellsTheScopesOfTheInstallation) {
    world.shop->store.settings().token_lifetime_s = 0;
    world.shop->store.settings().scopes = "read_orders,write_inventory";
    EXPECT_EQ(
        world.graphql("{ currentAppInstallation { accessScopes { handle } } }").at("data").dump(),
        R"({"currentAppInstallation":{"accessScopes":[{"handle":"read_orders"},{"handle":"write_inventory"}]}})");
}

}  // namespace
}  // namespace ordersaga::sandbox
