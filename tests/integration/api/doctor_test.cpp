// What the doctor sees of a real database and of a warehouse that answers over HTTP.
#include "orchestrator/cli/command_line.hpp"
#include "runtime/http_server.hpp"
#include "tests/integration/api/two_merchants.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <sstream>
#include <thread>

namespace ordersaga::test {
namespace {

using cli::ExitCode;
using nlohmann::json;

// Lists what it was given, to who shows the token.
class AWarehouse {
public:
    AWarehouse()
        : server_(context_.get_executor(), {}, [this](runtime::HttpRequest request) {
              return answer(std::move(request));
          }) {
        server_.start();
        thread_ = std::thread([this] { context_.run(); });
    }
    ~AWarehouse() {
        server_.stop_and_wait(std::chrono::seconds(5));
        context_.stop();
        thread_.join();
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }

    json orders = json::array();  // changed between questions only

private:
    boost::asio::awaitable<runtime::HttpResponse> answer(runtime::HttpRequest request) {
        runtime::HttpResponse response;
        const std::string* token = runtime::find_header(request.headers, "authorization");
        const bool known = token != nullptr && *token == "Bearer warehouse-token" && request.method == "GET" &&
                           request.path == "/2026-01/order";
        response.status = known ? 200 : 401;
        response.body = orders.dump();
        co_return response;
    }

    boost::asio::io_context context_;
    runtime::HttpServer server_;
    std::thread thread_;
};

class DoctorTest : public testing::Test {
protected:
    DoctorTest() { run_sql("UPDATE warehouses SET base_url = '" + warehouse_.url() + "'"); }

    void run_sql(const std::string& statement) {
        world_.session.transact([&](db::Transaction& transaction) { transaction.execute(statement); });
    }

    ExitCode doctor(std::vector<std::string> arguments = {}) {
        arguments.insert(arguments.begin(), {"--json", "doctor"});
        std::ostringstream out, err;
        cli::Surroundings world{out, err, runtime::fixed_environment(environment_)};
        const ExitCode code = cli::run_command_line(arguments, world);
        report_ = json::parse(out.str(), nullptr, false);
        EXPECT_EQ(err.str(), "");
        return code;
    }

    // "verdict: seen" of the first check of this name.
    std::string check(const std::string& name) const {
        for (const json& check : report_.at("checks")) {
            if (check.at("name") == name)
                return check.at("verdict").get<std::string>() + ": " + check.at("seen").get<std::string>();
        }
        return "there is no check " + name;
    }

    AWarehouse warehouse_;
    TwoMerchants world_;
    std::map<std::string, std::string> environment_{
        {"ORDERSAGA_ENGINE_DSN", world_.database.dsns().engine},
        {"W", "warehouse-token"}};
    json report_;
};

TEST_F(DoctorTest, TellsGoodFromWarningFromBad) {
    EXPECT_EQ(doctor(), ExitCode::refused);
    EXPECT_EQ(report_.at("verdict"), "bad");
    EXPECT_EQ(check("database"), "good: durable, its schema is this build's");
    EXPECT_EQ(check("clock"), "good: this machine and the database agree");
    EXPECT_EQ(check("laws"), "good: all 11 hold");
    EXPECT_EQ(check("orchestrators"), "bad: none is alive");
    EXPECT_TRUE(check("credential store:eu of First").starts_with("warning: not in the database"));
    EXPECT_TRUE(check("subscriptions store:eu of Second").starts_with("warning: nobody has ever looked"));
    EXPECT_TRUE(check("queues").starts_with("warning: not looked at"));

    run_sql("INSERT INTO members (member_id, beat_at) VALUES ('one', now())");
    run_sql("UPDATE duties SET next_due = now() + interval '1 minute'");
    // How full this machine's disk is decides here between the two.
    const ExitCode code = doctor({"--quick"});
    EXPECT_EQ(code, check("disk /").starts_with("bad") ? ExitCode::refused : ExitCode::warning);
    EXPECT_EQ(check("orchestrators"), "good: 1 is alive");
    EXPECT_EQ(check("laws"), "there is no check laws");
}

TEST_F(DoctorTest, SeesWhatCredentialsAndIncidentsSay) {
    run_sql(
        "INSERT INTO credentials (merchant_id, store_key, way, client_id, version, expires_at, scopes, "
        "scopes_checked_at) "
        "SELECT merchant_id, 'eu', 'client_credentials', 'c', 1, now() - interval '1 minute', '{read_orders}', now() "
        "FROM merchants WHERE name = 'First'");
    run_sql(
        "INSERT INTO incidents (merchant_id, incident_key, cause, text, opened_at, updated_at) SELECT merchant_id, "
        "'lane:store:' || store_id, 'peer refuses our credentials', 'eu said 401', now(), now() FROM stores "
        "JOIN merchants USING (merchant_id) WHERE name = 'Second'");
    doctor({"--quick"});
    EXPECT_TRUE(check("credential store:eu of First").starts_with("bad: ended 60 s ago"));
    EXPECT_EQ(check("scopes store:eu of First"), "good: 1 is granted, none is missing");
    EXPECT_EQ(check("credential store:eu of Second"), "bad: the peer refuses it: eu said 401");
    EXPECT_TRUE(check("incidents").starts_with("warning: 1 is open"));
}

TEST_F(DoctorTest, FindsOrdersThatAnotherChannelHasPutIntoTheWarehouse) {
    const std::string name = "other channels warehouse:main of First";
    const std::string saga = world_.add_saga(world_.first, 77, "FulfillmentRequested");
    warehouse_.orders = {
        {{"reference_id", "77"}, {"order_number", "#77"}, {"channel", {{"id", 9}, {"name", "Shopify"}}}},
        {{"reference_id", "a stranger's"}, {"order_number", "#9"}, {"channel", {{"id", 8}, {"name", "Fair"}}}}};
    EXPECT_EQ(doctor(), ExitCode::refused);
    EXPECT_EQ(check(name), "bad: 1 order to be sent from here stands there by another channel, as eu #77 (Shopify)");

    warehouse_.orders[0]["reference_id"] = "B-1";
    doctor();
    EXPECT_TRUE(check(name).starts_with("warning: 1 order to be sent from here")) << check(name);

    run_sql("UPDATE sagas SET data = data || '{\"observed\": true}'");
    doctor();
    EXPECT_EQ(
        check(name),
        "good: 2 orders of the last 7 days looked at, 1 is sent by another system for us, as it should be");

    run_sql("UPDATE sagas SET data = data - 'observed'");
    run_sql(
        "INSERT INTO fulfillment_references (merchant_id, reference, saga_id) VALUES (" + std::to_string(world_.first) +
        ", 'B-1', '" + saga + "')");
    doctor();
    EXPECT_EQ(check(name), "good: 2 orders of the last 7 days looked at, none is a store's of ours by another channel")
        << "it is our own";
}

TEST_F(DoctorTest, SaysWhyItCouldNotLookAtAWarehouse) {
    const std::string name = "other channels warehouse:main of First";
    environment_["W"] = "wrong";
    doctor();
    EXPECT_EQ(check(name), "warning: not looked at: the warehouse answered 401");
    environment_.erase("W");
    doctor();
    EXPECT_TRUE(check(name).starts_with("warning: not looked at: the token of warehouse:main")) << check(name);
}

TEST_F(DoctorTest, GoesOnWithoutADatabase) {
    environment_["ORDERSAGA_ENGINE_DSN"] = "host=127.0.0.1 port=1 dbname=x user=x";
    EXPECT_EQ(doctor({"--disk", "/nowhere"}), ExitCode::refused);
    EXPECT_TRUE(check("database").starts_with("bad: cannot be looked at"));
    EXPECT_TRUE(check("disk /nowhere").starts_with("bad: "));
}

}  // namespace
}  // namespace ordersaga::test
