// Tokens that end every few seconds, renewed by real duties against the sandbox, while calls go on.
#include "activities/call_scope.hpp"
#include "activities/credentials.hpp"
#include "activities/peer.hpp"
#include "db/access_tokens.hpp"
#include "db/credentials.hpp"
#include "orchestrator/credentials/renewal_duty.hpp"
#include "runtime/crypto.hpp"
#include "runtime/http_client.hpp"
#include "runtime/url.hpp"
#include "sandbox/sandbox_server.hpp"
#include "tests/integration/db/a_merchant.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <nlohmann/json.hpp>

#include <future>
#include <thread>

namespace ordersaga::db {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* domain = "eu.myshopify.com";

class FixedTime final : public activities::DatabaseClock {
public:
    std::optional<runtime::Instant> now() const override { return runtime::SystemClock().now(); }
};

class RenewalTest : public AMerchant {
protected:
    RenewalTest() : server_(context_, 0, 7, clock_), http_(context_.get_executor()) {
        EXPECT_EQ(
            server_.set_up(
                json{{"stores", json::array({{{"domain", domain}, {"secret", "hush"}, {"token_lifetime_s", 6}}})}}
                    .dump()),
            "");
        thread_ = std::thread([this] { context_.run(); });
        run_as_engine("UPDATE stores SET base_url = '" + server_.url() + "/shopify/" + domain + "' WHERE store_id = 1");
        session_.transact([&](Transaction& transaction) {
            keep_credential(
                transaction, ring_,
                {{merchant, "store:eu"}, "client_credentials", "client-of-" + std::string(domain), "hush", ""}, "anna",
                "test");
        });
    }
    ~RenewalTest() override {
        boost::asio::post(context_, [this] { server_.stop(); });
        thread_.join();
    }

    std::unique_ptr<credentials::RenewalDuty> a_duty() {
        return std::make_unique<credentials::RenewalDuty>(
            credentials::RenewalDuty::Settings{{database.dsns().engine, "test duty"}, ring_, milliseconds(50)},
            metrics_);
    }

    json control(const std::string& method, const std::string& path, const json& body = nullptr) {
        runtime::HttpCall call;
        call.method = method;
        call.url = server_.url() + path;
        if (!body.is_null()) call.body = body.dump();
        const auto outcome =
            boost::asio::co_spawn(context_, http_.send(std::move(call)), boost::asio::use_future).get();
        EXPECT_LT(outcome.status, 300) << outcome.body;
        return json::parse(outcome.body, nullptr, false);
    }
    json tokens_of_the_store() { return control("GET", std::string("/control/stores/") + domain).at("tokens"); }

    // One call as a worker makes it.
    activities::PeerAnswer call_the_store(const std::shared_ptr<activities::Credentials>& credentials) {
        const FixedTime time;
        activities::CallScope::Limits limits;
        limits.merchant = "1";
        activities::CallScope scope(time, limits);
        activities::PeerCall call;
        call.method = "POST";
        call.url = server_.url() + "/shopify/" + domain + "/admin/api/2026-07/graphql.json";
        call.headers = {{"Content-Type", "application/json"}};
        call.body = R"({"query":"{ locations(first: 1) { nodes { id } } }"})";
        const activities::Access access{credentials, "store:eu"};
        return boost::asio::co_spawn(
                   context_,
                   activities::exchange(
                       http_, std::move(call), activities::TokenHeader{"X-Shopify-Access-Token", ""}, access, scope),
                   boost::asio::use_future)
            .get();
    }

    // Looks again and again until it is as expected; false after a while.
    bool becomes(const std::function<bool()>& expected) {
        const auto limit = std::chrono::steady_clock::now() + seconds(30);
        while (std::chrono::steady_clock::now() < limit)
            if (expected()) return true;
        return false;
    }

    const runtime::KeyRing ring_ =
        runtime::KeyRing::parse("k1:" + runtime::base64_encode(std::string(32, 'k'))).value();
    runtime::SystemClock clock_;
    runtime::Metrics metrics_;
    Session session_{{database.dsns().engine, "test"}};
    boost::asio::io_context context_;
    sandbox::SandboxServer server_;
    runtime::HttpClient http_;
    std::thread thread_;
};

// Two orchestrators, a worker under load, and tokens that live for six seconds: nobody ever calls with a dead one.
TEST_F(RenewalTest, NoCallMeetsTheEndOfAToken) {
    const auto one = a_duty();
    const auto other = a_duty();
    AccessTokens tokens({database.dsns().worker, ring_, milliseconds(200)});
    const std::shared_ptr<activities::Credentials> credentials = activities::kept_credentials(tokens);
    ASSERT_TRUE(becomes([&] { return call_the_store(credentials).is_success(); }));

    int calls = 0;
    while (tokens_of_the_store().at("granted") < 4) {
        for (int more = 0; more < 20; ++more, ++calls) {
            const activities::PeerAnswer answer = call_the_store(credentials);
            ASSERT_TRUE(answer.is_success()) << answer.status << " " << answer.error << " after " << calls;
        }
    }

    EXPECT_EQ(tokens_of_the_store().at("calls_after_expiry"), 0);
    // The last one may have been granted a moment ago and be stored only now.
    EXPECT_TRUE(becomes([&] {
        return look("SELECT version::text FROM credentials") == tokens_of_the_store().at("granted").dump();
    })) << "each token was asked for by one of them alone";
    EXPECT_EQ(look("SELECT count(*)::text FROM incidents"), "0");
}

// The store takes a token back before its end: the call itself finds the new one.
TEST_F(RenewalTest, ARefusalBringsANewToken) {
    control("PATCH", std::string("/control/stores/") + domain, {{"token_lifetime_s", 3600}});
    const auto duty = a_duty();
    AccessTokens tokens({database.dsns().worker, ring_, milliseconds(200)});
    const std::shared_ptr<activities::Credentials> credentials = activities::kept_credentials(tokens);
    ASSERT_TRUE(becomes([&] { return call_the_store(credentials).is_success(); }));

    control("POST", std::string("/control/stores/") + domain + "/revoke_tokens");
    run_as_engine("UPDATE credentials SET obtained_at = now() - interval '1 minute'");

    EXPECT_TRUE(becomes([&] { return call_the_store(credentials).is_success(); }));
    EXPECT_EQ(look("SELECT version::text FROM credentials"), "2");
}

TEST_F(RenewalTest, AnIncidentTellsThatTheStoreGrantsNothing) {
    control("PATCH", std::string("/control/stores/") + domain, {{"secret", "changed"}});
    const auto duty = a_duty();

    EXPECT_TRUE(becomes([&] { return look("SELECT text FROM incidents") != ""; }));
    EXPECT_EQ(
        look("SELECT text FROM incidents"), "store:eu: there is no valid token; the store answered 400 invalid_client");

    control("PATCH", std::string("/control/stores/") + domain, {{"secret", "hush"}});
    EXPECT_TRUE(becomes([&] { return look("SELECT count(*)::text FROM incidents WHERE closed_at IS NULL") == "0"; }));
}

TEST_F(RenewalTest, AnIncidentNamesScopesThatAreMissing) {
    control("PATCH", std::string("/control/stores/") + domain, {{"scopes", "read_orders,write_inventory"}});
    const auto duty = a_duty();

    EXPECT_TRUE(becomes([&] { return look("SELECT text FROM incidents") != ""; }));
    EXPECT_EQ(
        look("SELECT text FROM incidents"),
        "store:eu lacks write_orders, read_locations, read_products, write_merchant_managed_fulfillment_orders");
}

// --- authorization by a person -----------------------------------------------------------------------------------------

class AuthorizationTest : public RenewalTest {
protected:
    AuthorizationTest() {
        session_.transact([&](Transaction& transaction) {
            keep_credential(
                transaction, ring_,
                {{merchant, "store:eu"}, "authorization_code", "client-of-" + std::string(domain), "hush", ""}, "anna",
                "test");
            EXPECT_TRUE(begin_authorization(transaction, {merchant, "store:eu"}, runtime::sha256_hex("the state")));
        });
        duty_ = a_duty();
    }

    // What the store's redirect carries after a person said yes.
    credentials::Fields redirect(const std::string& state = "the state") {
        runtime::HttpCall call;
        call.url = server_.url() + "/shopify/" + domain + "/admin/oauth/authorize?client_id=client-of-" + domain +
                   "&redirect_uri=http%3A%2F%2Fback&state=" + runtime::percent_encode(state);
        const auto outcome =
            boost::asio::co_spawn(context_, http_.send(std::move(call)), boost::asio::use_future).get();
        const std::string location = *outcome.header("Location");
        return *runtime::parse_query(location.substr(location.find('?') + 1));
    }

    std::string finish(credentials::Fields query) {
        std::promise<std::string> answer;
        duty_->finish_authorization(std::move(query), [&](std::string fault) { answer.set_value(std::move(fault)); });
        return answer.get_future().get();
    }

    std::unique_ptr<credentials::RenewalDuty> duty_;
};

TEST_F(AuthorizationTest, TradesTheCodeAndRenewsWithEachNewRefreshToken) {
    EXPECT_EQ(finish(redirect()), "");

    EXPECT_EQ(
        look("SELECT string_agg(kind, ' ' ORDER BY kind) FROM credential_secrets"),
        "access_token client_secret refresh_token");
    EXPECT_TRUE(becomes([&] { return tokens_of_the_store().at("granted") >= 3; }));
    EXPECT_EQ(look("SELECT failures::text FROM credentials"), "0");
}

TEST_F(AuthorizationTest, AStateIsGoodOnce) {
    const credentials::Fields query = redirect();
    EXPECT_EQ(finish(query), "");
    EXPECT_NE(finish(query).find("nobody began this here"), std::string::npos);
    EXPECT_NE(finish(redirect("another state")).find("nobody began this here"), std::string::npos);
}

TEST_F(AuthorizationTest, RefusesWhatTheStoreHasNotSigned) {
    credentials::Fields query = redirect();
    for (auto& [name, value] : query)
        if (name == "code") value += "x";
    EXPECT_EQ(finish(query), "the signature is wrong");
    EXPECT_EQ(tokens_of_the_store().at("granted"), 0) << "the store was not even asked";
}

}  // namespace
}  // namespace ordersaga::db
