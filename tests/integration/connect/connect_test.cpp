// `sagactl connect` against the sandbox: what it finds, what it puts right, and that a second run has nothing left to do.
#include "db/credentials.hpp"
#include "orchestrator/cli/blocking_call.hpp"
#include "orchestrator/cli/command_line.hpp"
#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/setup_file.hpp"
#include "orchestrator/cli/surroundings.hpp"
#include "runtime/crypto.hpp"
#include "sandbox/sandbox_server.hpp"
#include "tests/integration/db/a_merchant.hpp"

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

namespace ordersaga::db {
namespace {

using cli::ExitCode;
using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* domain = "eu.myshopify.com";
constexpr const char* hooks = "https://hooks.example.com/webhooks/shopify";
constexpr const char* warehouse_hook = "https://hooks.example.com/webhooks/shipbob/main";

struct Answer {
    ExitCode code = ExitCode::ok;
    json document;
    std::string complaint;
};

class ConnectTest : public AMerchant {
protected:
    ConnectTest() : server_(context_, 0, 7, clock_) {
        thread_ = std::thread([this] { context_.run(); });
        control(
            "POST", "/control/stores",
            {{"domain", domain}, {"access_token", "shpat_good"}, {"variants", json::array()}});
        control(
            "POST", "/control/warehouses",
            {{"name", "main"},
             {"access_token", "pat_good"},
             {"channel_id", 77},
             {"ship_methods", "Std,Express"},
             {"products", json::array()}});
        run_as_engine(
            "DELETE FROM listing_components; DELETE FROM listings;"
            "UPDATE stores SET base_url = '" +
            server_.url() + "/shopify/" + domain + "', webhook_url = '" + hooks +
            "', token_ref = 'env:EU_TOKEN', location_id = '" + location() + "' WHERE store_id = 1;" +
            "UPDATE warehouses SET base_url = '" + server_.url() + "/shipbob/main', webhook_url = '" + warehouse_hook +
            "', token_ref = 'env:BOB_TOKEN', channel_id = '77', webhook_secret_refs = '{env:BOB_SECRET}'"
            " WHERE warehouse_id = 1");
        environment_ = {
            {"ORDERSAGA_ENGINE_DSN", database.dsns().engine},
            {"EU_TOKEN", "shpat_good"},
            {"BOB_TOKEN", "pat_good"},
            {"BOB_SECRET", "whsec_abcdefghijklmnopqrstuvwxyz012345"},
            {"USER", "anna"}};
        folder_ = std::filesystem::temp_directory_path() / ("ordersaga-connect-" + std::to_string(::getpid()));
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
    }
    ~ConnectTest() override {
        boost::asio::post(context_, [this] { server_.stop(); });
        thread_.join();
        std::filesystem::remove_all(folder_);
    }

    json control(const std::string& method, const std::string& path, const json& body = nullptr) {
        runtime::HttpCall call;
        call.method = method;
        call.url = server_.url() + path;
        if (!body.is_null()) call.body = body.dump();
        const runtime::HttpOutcome outcome = cli::call_and_wait(std::move(call));
        EXPECT_LT(outcome.status, 300) << path << " " << outcome.body << outcome.error;
        return json::parse(outcome.body, nullptr, false);
    }
    json store(const std::string& path = "", const std::string& method = "GET", const json& body = nullptr) {
        return control(method, std::string("/control/stores/") + domain + path, body);
    }
    std::string location() { return store().at("locations").at(0).at("id"); }
    void add_variant(const json& variant) { store("/variants", "POST", variant); }

    // Topics that go to our address without a filter.
    std::vector<std::string> told_topics() {
        std::vector<std::string> topics;
        const json shop = store();
        for (const json& subscription : shop.at("subscriptions"))
            if (subscription.at("url") == hooks && subscription.at("filter") == "")
                topics.push_back(subscription.at("topic"));
        return topics;
    }

    Answer run(std::vector<std::string> arguments) {
        std::ostringstream out, err;
        cli::Surroundings world{out, err, runtime::fixed_environment(environment_)};
        arguments.insert(arguments.begin(), "--json");
        Answer answer;
        answer.code = cli::run_command_line(arguments, world);
        answer.document = json::parse(out.str(), nullptr, false);
        answer.complaint = err.str();
        return answer;
    }
    Answer connect_store(const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"connect", "shopify", "eu", "--merchant", "Shirts"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments);
    }
    Answer connect_warehouse(const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"connect", "shipbob", "main", "--merchant", "Shirts"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments);
    }

    std::string content(const std::string& file) const {
        std::ifstream stream(folder_ / file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    }
    void write(const std::string& file, const std::string& text) {
        std::ofstream(folder_ / file, std::ios::binary) << text;
    }

    runtime::SystemClock clock_;
    boost::asio::io_context context_;
    sandbox::SandboxServer server_;
    std::thread thread_;
    std::map<std::string, std::string> environment_;
    std::filesystem::path folder_;
};

// ------------------------------------------------------------------------------------------------------------ store

TEST_F(ConnectTest, ANewStoreIsPutInOrderOnce) {
    add_variant({{"sku", "CAP"}, {"title", "A cap, blue"}, {"stock", 5}});

    const Answer first = connect_store({"--propose", folder_.string()});

    EXPECT_EQ(first.code, ExitCode::ok) << first.complaint << first.document.dump(2);
    EXPECT_EQ(first.document.at("changes").size(), 9U);
    EXPECT_EQ(told_topics().size(), 9U);
    EXPECT_EQ(content("skus.csv"), "sku,title\nCAP,\"A cap, blue\"\n");
    EXPECT_THAT(content("listings.csv"), HasSubstr("\neu,CAP,"));
    EXPECT_EQ(look("SELECT actor || ' ' || subject FROM audit WHERE action = 'connected'"), "sagactl of anna store:eu");

    const std::string listings = content("listings.csv");
    const Answer second = connect_store({"--propose", folder_.string()});

    EXPECT_EQ(second.code, ExitCode::ok);
    EXPECT_EQ(second.document.at("changes"), json::array());
    EXPECT_EQ(second.document.at("files"), json::array());
    EXPECT_EQ(content("listings.csv"), listings);
    EXPECT_EQ(told_topics().size(), 9U);
    EXPECT_EQ(look("SELECT count(*)::text FROM audit WHERE action = 'connected'"), "1");
}

TEST_F(ConnectTest, ADryRunTellsTheSameAndChangesNothing) {
    add_variant({{"sku", "CAP"}});
    store("/subscriptions", "PUT", {{"topic", "orders/paid"}, {"url", "https://old.example.com/webhooks/shopify"}});

    const Answer dry = connect_store({"--dry-run", "--propose", folder_.string()});

    EXPECT_EQ(dry.code, ExitCode::ok);
    EXPECT_EQ(dry.document.at("changes").size(), 10U) << "nine to create, one to delete";
    EXPECT_EQ(dry.document.at("files").size(), 2U);
    EXPECT_THAT(told_topics(), IsEmpty());
    EXPECT_EQ(store().at("subscriptions").size(), 1U);
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
    EXPECT_EQ(look("SELECT count(*)::text FROM audit WHERE action = 'connected'"), "0");
}

TEST_F(ConnectTest, SubscriptionsThatSomebodyMeddledWithAreRepaired) {
    connect_store();
    store("/subscriptions", "PUT", {{"topic", "orders/paid"}});
    store("/subscriptions", "PUT", {{"topic", "orders/create"}, {"url", "https://old.example.com/webhooks/shopify"}});
    store("/subscriptions", "PUT", {{"topic", "refunds/create"}, {"url", hooks}, {"filter", "id:1"}});
    store("/subscriptions", "PUT", {{"topic", "orders/delete"}, {"url", "https://erp.example.com/inbox"}});

    const Answer answer = connect_store();

    EXPECT_EQ(answer.code, ExitCode::ok) << answer.complaint;
    EXPECT_EQ(told_topics().size(), 9U);
    EXPECT_THAT(
        answer.document.at("subscriptions").at("faults").get<std::vector<std::string>>(),
        testing::UnorderedElementsAre(
            "orders/paid is missing", "orders/create goes to https://old.example.com/webhooks/shopify",
            "refunds/create is cut down by a filter, a list of fields or another format", "orders/delete is missing"));
    EXPECT_THAT(store().at("subscriptions").dump(), Not(HasSubstr("old.example.com")));
    EXPECT_THAT(store().at("subscriptions").dump(), HasSubstr("erp.example.com")) << "it is none of ours";
    EXPECT_EQ(connect_store().document.at("changes"), json::array());
}

TEST_F(ConnectTest, AnotherVersionIsForAPersonToMend) {
    connect_store();
    store("", "PATCH", {{"api_version", "2025-10"}});

    const Answer answer = connect_store();

    EXPECT_EQ(answer.code, ExitCode::refused);
    EXPECT_EQ(answer.document.at("changes"), json::array());
    EXPECT_THAT(answer.document.at("problems").dump(), HasSubstr("orders/create comes in version 2025-10 instead of"));
}

TEST_F(ConnectTest, AMissingScopeIsNamed) {
    store("", "PATCH", {{"scopes", "write_orders,write_inventory,read_locations,read_products"}});

    const Answer answer = connect_store();

    EXPECT_EQ(answer.code, ExitCode::refused);
    EXPECT_EQ(answer.document.at("scopes").at("missing"), json::array({"write_merchant_managed_fulfillment_orders"}));
    EXPECT_EQ(told_topics().size(), 9U) << "what can be done is done";
}

TEST_F(ConnectTest, ALocationThatIsNotThereIsNamed) {
    run_as_engine("UPDATE stores SET location_id = '4711' WHERE store_id = 1");

    const Answer answer = connect_store();

    EXPECT_EQ(answer.code, ExitCode::refused);
    EXPECT_THAT(answer.document.at("problems").dump(), HasSubstr("the store has no location 4711"));
    EXPECT_EQ(answer.document.at("locations").at(0).at("ours"), false);
}

TEST_F(ConnectTest, SkusThatAreNotPlainAreListedAndNotProposed) {
    add_variant({{"sku", "CAP"}});
    add_variant({{"sku", "TWICE"}});
    add_variant({{"sku", "TWICE"}, {"duplicate", true}});
    add_variant({{"sku", ""}, {"title", "Nameless"}});
    add_variant({{"sku", "ENDLESS"}, {"tracked", false}});
    add_variant({{"sku", "VOUCHER"}, {"requires_shipping", false}});
    add_variant({{"sku", "OLD"}, {"product_status", "ARCHIVED"}});
    add_variant({{"sku", "shirt"}});  // the database has SHIRT

    const Answer answer = connect_store({"--propose", folder_.string()});

    EXPECT_EQ(answer.code, ExitCode::ok) << "a decision to take is no fault";
    std::vector<std::string> decisions;
    for (const json& one : answer.document.at("decisions"))
        decisions.push_back(one.at("sku").get<std::string>() + ": " + one.at("reason").get<std::string>());
    EXPECT_THAT(
        decisions, testing::UnorderedElementsAre(
                       "TWICE: 2 variants have this SKU", "TWICE: 2 variants have this SKU", ": it has no SKU",
                       "ENDLESS: the store does not track its stock",
                       "shirt: another SKU differs in capitals or blanks only: SHIRT"));
    EXPECT_EQ(answer.document.at("variants").at("passed_over"), 2);
    EXPECT_EQ(content("skus.csv"), "sku,title\nCAP,CAP\n");
}

TEST_F(ConnectTest, ASkuWhoseSettingsStandInAnotherFileIsNotReset) {
    add_variant({{"sku", "SHIRT"}});

    const Answer answer = connect_store({"--propose", folder_.string()});

    EXPECT_THAT(answer.document.at("decisions").dump(), HasSubstr("is it the file that setup reads?"));
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(ConnectTest, SetupReadsWhatWasProposed) {
    write("skus.csv", "sku,title,buffer\nSHIRT,,3\n");
    add_variant({{"sku", "SHIRT"}});
    add_variant({{"sku", "CAP"}});
    connect_store({"--propose", folder_.string()});
    write(
        "shop.toml",
        "[merchant]\nname = \"Shirts\"\n[[warehouses]]\nkey = \"main\"\ntoken_ref = \"env:W\"\n[[stores]]\nkey = "
        "\"eu\"\n"
        "shop_domain = \"eu.myshopify.com\"\nlocation_id = \"1\"\ntoken_ref = \"env:T\"\nwebhook_secret_refs = "
        "[\"env:S\"]\n"
        "go_live_at = 2026-07-01T00:00:00Z\n[files]\nskus = \"skus.csv\"\nlistings = \"listings.csv\"\n");

    const cli::SetupFile file = cli::read_setup_file(folder_ / "shop.toml");

    EXPECT_TRUE(file.faults.empty()) << runtime::describe(file.faults);
    ASSERT_EQ(file.plan.skus.size(), 2U);
    EXPECT_EQ(file.plan.skus[0].buffer, 3) << "what stood there stays";
    EXPECT_EQ(file.plan.listings.size(), 2U);
}

TEST_F(ConnectTest, CallsWithTheCredentialOfTheDatabase) {
    const std::string key = "k1:" + runtime::base64_encode(std::string(32, 'k'));
    const runtime::KeyRing ring = runtime::KeyRing::parse(key).value();
    Session({database.dsns().engine, "test"}).transact([&](Transaction& transaction) {
        NewCredential credential;
        credential.key = {merchant, "store:eu"};
        credential.way = "static";
        credential.access_token = "shpat_good";
        keep_credential(transaction, ring, credential, "anna", "test");
    });
    environment_.erase("EU_TOKEN");
    EXPECT_EQ(connect_store().code, ExitCode::usage) << "without the key it cannot be opened";

    environment_["ORDERSAGA_CREDENTIALS_KEYS"] = key;
    EXPECT_EQ(connect_store().code, ExitCode::ok);
    EXPECT_NE(look("SELECT scopes_checked_at::text FROM credentials"), "");
}

TEST_F(ConnectTest, ATokenThatIsRefusedIsSaidSoWithoutIt) {
    environment_["EU_TOKEN"] = "shpat_wrong";

    const Answer answer = connect_store();

    EXPECT_EQ(answer.code, ExitCode::not_allowed);
    EXPECT_THAT(answer.complaint, HasSubstr("store:eu refuses the token"));
    EXPECT_THAT(answer.complaint, Not(HasSubstr("shpat_wrong")));
    EXPECT_EQ(run({"connect", "shopify", "eu"}).code, ExitCode::usage) << "two merchants have one";
    EXPECT_EQ(run({"connect", "shopify", "nowhere"}).code, ExitCode::not_found);
}

// -------------------------------------------------------------------------------------------------------- warehouse

TEST_F(ConnectTest, AWarehouseIsPutInOrderOnce) {
    control("POST", "/control/warehouses/main/products", {{"sku", "SHIRT"}, {"name", "Shirt"}, {"on_hand", 5}});
    control("POST", "/control/warehouses/main/products", {{"sku", "FOREIGN"}});
    write("skus.csv", "sku,buffer\nSHIRT,1\nMUG,\n");

    const Answer first = connect_warehouse({"--propose", folder_.string()});

    EXPECT_EQ(first.code, ExitCode::ok) << first.complaint << first.document.dump(2);
    EXPECT_EQ(first.document.at("changes").size(), 1U);
    const std::string number = first.document.at("items").at("proposed").at("SHIRT");
    EXPECT_EQ(content("skus.csv"), "sku,buffer,warehouse_item_id\nSHIRT,1," + number + "\nMUG,,\n");
    ASSERT_EQ(first.document.at("decisions").size(), 1U);
    EXPECT_EQ(first.document.at("decisions")[0].at("sku"), "MUG");
    EXPECT_EQ(first.document.at("ship_methods").at("mapped")[0].at("known"), true);

    const Answer second = connect_warehouse({"--propose", folder_.string()});
    EXPECT_EQ(second.document.at("changes"), json::array());
    EXPECT_EQ(second.document.at("files"), json::array());
}

// ShipBob takes a method that it does not know, and ships it as Standard.
TEST_F(ConnectTest, AShipMethodThatTheWarehouseDoesNotHaveIsNamed) {
    run_as_engine(R"(UPDATE stores SET ship_methods = '{"Overnight": "Rocket"}' WHERE store_id = 1)");

    const Answer answer = connect_warehouse();

    EXPECT_EQ(answer.code, ExitCode::refused);
    EXPECT_THAT(answer.document.at("problems").dump(), HasSubstr("store eu sends 'Overnight' by 'Rocket'"));
}

TEST_F(ConnectTest, AnotherChannelAndMissingScopesAreNamed) {
    run_as_engine("UPDATE warehouses SET channel_id = '1' WHERE warehouse_id = 1");
    control("PATCH", "/control/warehouses/main", {{"channel_scopes", "orders_write,orders_read"}});

    const Answer answer = connect_warehouse({"--dry-run"});

    EXPECT_EQ(answer.code, ExitCode::refused);
    EXPECT_THAT(answer.document.at("problems").dump(), HasSubstr("channel_id = \\\"77\\\""));
    EXPECT_THAT(answer.document.at("problems").dump(), HasSubstr("inventory_read"));
}

TEST_F(ConnectTest, AWebhookSecretOfAnotherFormIsRefusedBeforeTheWarehouseIsAsked) {
    environment_["BOB_SECRET"] = "whsec_short";

    const Answer answer = connect_warehouse();

    EXPECT_EQ(answer.code, ExitCode::refused);
    EXPECT_EQ(answer.document.at("changes"), json::array());
    EXPECT_THAT(answer.document.dump(), Not(HasSubstr("whsec_short")));
}

}  // namespace
}  // namespace ordersaga::db
