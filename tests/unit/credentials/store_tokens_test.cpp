#include "orchestrator/credentials/store_tokens.hpp"

#include "runtime/crypto.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::credentials {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

runtime::HttpOutcome answered(int status, const std::string& body) {
    runtime::HttpOutcome outcome;
    outcome.kind = runtime::HttpOutcome::Kind::response;
    outcome.status = status;
    outcome.body = body;
    return outcome;
}

db::Renewal a_renewal(const std::string& way) {
    db::Renewal renewal;
    renewal.way = way;
    renewal.client_id = "client 1";
    renewal.client_secret = "a&b";
    renewal.refresh_token = "shprt_1";
    renewal.base_url = "https://eu.myshopify.com";
    return renewal;
}

TEST(StoreTokens, AsksInTheWordsOfEachWay) {
    const runtime::HttpCall anew = renewal_call(a_renewal("client_credentials"));
    EXPECT_EQ(anew.url, "https://eu.myshopify.com/admin/oauth/access_token");
    EXPECT_EQ(anew.body, "grant_type=client_credentials&client_id=client%201&client_secret=a%26b");
    EXPECT_EQ(
        renewal_call(a_renewal("authorization_code")).body,
        "grant_type=refresh_token&refresh_token=shprt_1&client_id=client%201&client_secret=a%26b");
}

TEST(StoreTokens, ReadsAGrant) {
    const db::Grant grant = read_grant(answered(200, R"({"access_token":"shpat_1","scope":"write_orders,read_products",
        "expires_in":3599,"refresh_token":"shprt_2","unknown":1})"))
                                .value();
    EXPECT_EQ(grant.access_token, "shpat_1");
    EXPECT_EQ(grant.refresh_token, "shprt_2");
    EXPECT_EQ(grant.lifetime, std::chrono::seconds(3599));
    EXPECT_THAT(grant.scopes, ElementsAre("write_orders", "read_products"));
}

TEST(StoreTokens, AGrantMayHaveNoEnd) {
    const db::Grant grant = read_grant(answered(200, R"({"access_token":"shpat_1"})")).value();
    EXPECT_FALSE(grant.lifetime.has_value());
    EXPECT_EQ(grant.refresh_token, "");
    EXPECT_THAT(grant.scopes, IsEmpty());
}

// What cannot be used must never replace a token that works.
TEST(StoreTokens, RefusesAnswersThatHoldNoUsableToken) {
    for (const char* body :
         {"", "[]", "{}", R"({"access_token":""})", R"({"access_token":7})", R"({"access_token":"a b"})",
          R"({"access_token":"a\r\nX-Evil: 1"})", R"({"access_token":"a","expires_in":0})",
          R"({"access_token":"a","expires_in":9223372036854775807})", R"({"access_token":"a","expires_in":"60"})",
          R"({"access_token":"a","refresh_token":"b\n"})", "<html>"}) {
        EXPECT_FALSE(read_grant(answered(200, body)).ok()) << body;
    }
}

TEST(StoreTokens, TellsWhyWithoutRepeatingTheAnswer) {
    EXPECT_EQ(
        read_grant(answered(400, R"({"error":"app_not_installed","error_description":"shpss_secret"})"))
            .error()
            .message,
        "the store answered 400 app_not_installed");
    const std::string hostile = read_grant(answered(400, R"({"error":"shpss_SECRET in here"})")).error().message;
    EXPECT_EQ(hostile, "the store answered 400");
    runtime::HttpOutcome unreached;
    unreached.error = "connection refused";
    EXPECT_THAT(read_grant(unreached).error().message, HasSubstr("connection refused"));
}

TEST(StoreTokens, ReadsScopes) {
    const auto scopes = read_scopes(answered(
        200,
        R"({"data":{"currentAppInstallation":{"accessScopes":[{"handle":"read_orders"},{"handle":"write_inventory"}]}}})"));
    EXPECT_THAT(scopes.value(), ElementsAre("read_orders", "write_inventory"));
    for (const char* body : {"{}", R"({"data":null})", R"({"data":{"currentAppInstallation":null}})", "[]"})
        EXPECT_FALSE(read_scopes(answered(200, body)).ok()) << body;
}

TEST(StoreTokens, NamesScopesThatAreMissing) {
    EXPECT_THAT(
        missing_scopes(
            {"write_orders", "write_inventory", "read_locations", "write_products",
             "write_third_party_fulfillment_orders"}),
        IsEmpty());
    EXPECT_THAT(
        missing_scopes({"read_orders", "write_inventory", "read_products", "read_merchant_managed_fulfillment_orders"}),
        ElementsAre("write_orders", "read_locations", "write_merchant_managed_fulfillment_orders"));
}

TEST(StoreTokens, SendsAPersonToTheStoreWithAState) {
    db::CredentialRow row;
    row.base_url = "https://eu.myshopify.com";
    row.client_id = "client 1";
    EXPECT_EQ(
        authorization_url(row, "https://us.example/oauth/shopify/callback", "s+1"),
        "https://eu.myshopify.com/admin/oauth/authorize?client_id=client%201&scope=read_locations%2Cread_products%2C"
        "write_inventory%2Cwrite_merchant_managed_fulfillment_orders%2Cwrite_orders&redirect_uri=https%3A%2F%2F"
        "us.example%2Foauth%2Fshopify%2Fcallback&state=s%2B1");
}

TEST(StoreTokens, KnowsWhatTheStoreHasSigned) {
    Fields fields{{"state", "s"}, {"code", "c"}, {"shop", "eu.myshopify.com"}, {"timestamp", "1"}};
    fields.emplace_back(
        "hmac", runtime::to_hex(runtime::hmac_sha256("hush", "code=c&shop=eu.myshopify.com&state=s&timestamp=1")));
    EXPECT_TRUE(is_signed_with("hush", fields));
    EXPECT_FALSE(is_signed_with("other", fields));
    EXPECT_FALSE(is_signed_with("", fields));
    for (std::size_t index = 0; index < fields.size(); ++index) {
        Fields altered = fields;
        altered[index].second += "0";
        EXPECT_FALSE(is_signed_with("hush", altered)) << altered[index].first;
    }
    fields.pop_back();
    EXPECT_FALSE(is_signed_with("hush", fields));
}

}  // namespace
}  // namespace ordersaga::credentials
