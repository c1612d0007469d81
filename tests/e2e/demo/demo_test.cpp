// The built programs on real servers, from outside: small demos with faults, with each program and each server killed on
// the way, the story, and the system that is left running for somebody else's script.
#include "runtime/child_process.hpp"
#include "runtime/clock.hpp"
#include "sandbox/demo/caller.hpp"
#include "sandbox/demo/system.hpp"
#include "tests/support/environment.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace ordersaga::demo {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

struct Demo : testing::Test {
    std::filesystem::path folder;

    void SetUp() override {
        ASSERT_FALSE(test::variable("ORDERSAGA_BIN").empty())
            << "run ./dev test e2e, which builds the programs and starts servers";
        ASSERT_FALSE(test::variable("ORDERSAGA_SERVERS_DIR").empty()) << "run ./dev test e2e, which starts servers";
        test::keep_role_passwords();
        const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
        folder = std::filesystem::absolute(".run/e2e") / name;
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
    }

    runtime::ChildPlan plan(std::vector<std::string> arguments) const {
        arguments.insert(
            arguments.end(), {"--bin", test::variable("ORDERSAGA_BIN"), "--servers-env",
                              test::variable("ORDERSAGA_SERVERS_DIR") + "/env", "--dir", (folder / "demo").string()});
        return {
            std::filesystem::path(test::variable("ORDERSAGA_BIN")) / "ordersaga-demo",
            arguments,
            {},
            folder / "output"};
    }

    // Runs a demo to its end and answers its report.
    json report_of_demo(std::vector<std::string> arguments) const {
        const std::filesystem::path report = folder / "report.json";
        arguments.insert(arguments.end(), {"--exit", "--report", report.string(), "--patience", "150"});
        const runtime::CommandEnd end = runtime::run_command(plan(std::move(arguments)), seconds(280));
        EXPECT_EQ(end.status, 0) << end.output << "\nlogs: " << (folder / "demo" / "logs").string();
        std::ifstream file(report);
        return file ? json::parse(file, nullptr, false) : json(nullptr);
    }

    static void expect_all_kept(const json& report) {
        ASSERT_TRUE(report.is_object());
        EXPECT_EQ(report["passed"], true);
        EXPECT_EQ(report["orders"]["accepted"], report["orders"]["submitted"]);
        EXPECT_EQ(report["incidents"].size(), 0U) << report["incidents"].dump();
        EXPECT_EQ(report["effects"]["duplicate_fulfillments"], 0);
        EXPECT_EQ(report["effects"]["oversold_units"], 0);
        EXPECT_EQ(report["effects"]["fulfillments_created"], report["effects"]["fulfillments_expected"]);
        EXPECT_EQ(report["laws"].size(), 11U);
        for (const auto& [law, holds] : report["laws"].items())
            EXPECT_EQ(holds, true) << law;
    }
};

TEST_F(Demo, KeepsEveryPromiseWithoutFaults) {
    const json report = report_of_demo({"--orders", "60", "--stores", "2", "--seed", "3", "--faults", "none"});
    expect_all_kept(report);
    EXPECT_EQ(report["orders"]["submitted"], 60);
}

TEST_F(Demo, KeepsEveryPromiseUnderFaults) {
    const json report = report_of_demo({"--orders", "60", "--seed", "4", "--faults", "default"});
    expect_all_kept(report);
    EXPECT_GT(report["orders"]["duplicates_sent"], 0);
}

// A burst far above what a ShipBob token (150 calls a minute) and a standard Shopify store (100 points a second) allow.
TEST_F(Demo, WaitsWithinTheRealLimitsOfThePeers) {
    const json report = report_of_demo(
        {"--orders", "60", "--stores", "3", "--seed", "5", "--faults", "none", "--rate", "20", "--real-limits"});
    expect_all_kept(report);
}

TEST_F(Demo, SurvivesTheOrchestratorKilled) {
    const json report = report_of_demo({"--orders", "60", "--seed", "5", "--faults", "none", "--kill", "orchestrator"});
    expect_all_kept(report);
    EXPECT_EQ(report["faults_injected"]["kills_orchestrator"], 1);
}

TEST_F(Demo, SurvivesAWorkerKilled) {
    const json report = report_of_demo({"--orders", "60", "--seed", "6", "--faults", "none", "--kill", "worker"});
    expect_all_kept(report);
    EXPECT_EQ(report["faults_injected"]["kills_worker"], 1);
}

TEST_F(Demo, SurvivesRabbitMqKilled) {
    const json report = report_of_demo({"--orders", "60", "--seed", "7", "--faults", "none", "--kill", "rabbitmq"});
    expect_all_kept(report);
    EXPECT_EQ(report["faults_injected"]["kills_rabbitmq"], 1);
}

TEST_F(Demo, SurvivesPostgreSqlKilled) {
    const json report = report_of_demo({"--orders", "60", "--seed", "8", "--faults", "none", "--kill", "pg"});
    expect_all_kept(report);
    EXPECT_EQ(report["faults_injected"]["kills_pg"], 1);
}

// Orders, changes of mind and shipments of the minutes between the dump and its return are in no database any more, but in the
// stores and at the warehouse.
TEST_F(Demo, SurvivesADatabaseThatWasPutBack) {
    const json report =
        report_of_demo({"--orders", "80", "--seed", "9", "--faults", "none", "--rate", "4", "--kill", "restore"});
    ASSERT_TRUE(report.is_object());
    EXPECT_EQ(report["passed"], true);
    EXPECT_EQ(report["faults_injected"]["kills_restore"], 1);
    EXPECT_EQ(report["orders"]["accepted"], report["orders"]["submitted"]) << "none is lost";
    EXPECT_EQ(report["effects"]["duplicate_fulfillments"], 0);
    EXPECT_EQ(report["effects"]["oversold_units"], 0);
    for (const auto& [law, holds] : report["laws"].items())
        EXPECT_EQ(holds, true) << law;
}

TEST_F(Demo, TellsTheStoryOfOneShirtAndTwoBuyers) {
    const runtime::CommandEnd end = runtime::run_command(plan({"--story"}), seconds(200));
    EXPECT_EQ(end.status, 0) << end.output;
    EXPECT_NE(end.output.find("was refused and is held in its store"), std::string::npos) << end.output;
    EXPECT_NE(end.output.find("The shirt is for sale again: blue shows 1, red shows 1."), std::string::npos)
        << end.output;
}

// The whole system, left running for somebody else's script that finds every address in a file.
struct RunningSystem : Demo {
    std::unique_ptr<runtime::Child> system;
    std::map<std::string, std::string> env;
    Caller caller;
    const steady_clock::time_point limit = steady_clock::now() + seconds(180);

    void SetUp() override {
        Demo::SetUp();
        const std::filesystem::path file = folder / "system.env";
        system = std::make_unique<runtime::Child>(plan({"--run", "--stores", "2", "--env", file.string()}));
        while (!std::filesystem::exists(file) && may_wait()) {
        }
        ASSERT_TRUE(std::filesystem::exists(file));
        env = read_env_file(file);
        for (const char* name :
             {"ORDERSAGA_ENGINE_DSN", "ORDERSAGA_AMQP_URL", "ORDERSAGA_URL", "ORDERSAGA_TOKEN", "ORDERSAGA_PUBLIC_URL",
              "ORDERSAGA_SANDBOX_CONTROL_URL", "ORDERSAGA_SANDBOX_LEDGER_URL"}) {
            ASSERT_TRUE(env.contains(name)) << name;
        }
    }

    // Lets a moment pass; false when it is time to give up.
    bool may_wait() { return steady_clock::now() < limit && !system->wait_for(std::chrono::milliseconds(100)); }

    json control(const std::string& method, const std::string& path, const json& body) {
        const Caller::Reply reply =
            caller.call(method, env.at("ORDERSAGA_SANDBOX_CONTROL_URL") + path, body.dump(), "", seconds(10));
        EXPECT_EQ(reply.status / 100, 2) << method << " " << path << ": " << reply.body;
        return json::parse(reply.body, nullptr, false);
    }
    json shown_at(const std::string& path) {
        return json::parse(
            caller.call("GET", env.at("ORDERSAGA_SANDBOX_CONTROL_URL") + path, "", "", seconds(10)).body, nullptr,
            false);
    }
    std::string place_order(const std::string& sku = "SHIRT-01", const std::string& store = "blue") {
        const json lines = {{{"sku", sku}, {"quantity", 1}}};
        return control("POST", "/stores/" + store + "-shirts.myshopify.com/orders", {{"lines", lines}}).at("id");
    }
    std::string state_of(const std::string& order, const std::string& store) {
        const Caller::Reply seen = caller.call(
            "GET", env.at("ORDERSAGA_URL") + "/api/v1/orders/" + store + "/" + order, "", env.at("ORDERSAGA_TOKEN"),
            seconds(5));
        return seen.status == 200 ? json::parse(seen.body).value("state", json("")).get<std::string>() : "";
    }
    void await_state(const std::string& order, const std::string& wanted) {
        std::string state;
        do
            state = state_of(order, "blue");
        while (state != wanted && may_wait());
        EXPECT_EQ(state, wanted);
    }
    bool warehouse_has(const std::string& reference) {
        const Caller::Reply ledger = caller.call(
            "GET", env.at("ORDERSAGA_SANDBOX_LEDGER_URL") + "?kind=warehouse_order_created", "", "", seconds(10));
        return ledger.body.find(reference) != std::string::npos;
    }
    // What the stand-in world saw happen, oldest first, and the number of the last.
    std::vector<json> effects_after(std::int64_t number, std::int64_t& last) {
        const Caller::Reply ledger = caller.call(
            "GET", env.at("ORDERSAGA_SANDBOX_LEDGER_URL") + "?limit=100000&after=" + std::to_string(number), "", "",
            seconds(10));
        const json page = json::parse(ledger.body, nullptr, false);
        EXPECT_TRUE(page.is_object()) << ledger.body;
        last = page.value("next_after", number);
        return page.value("effects", std::vector<json>());
    }
    // Refused while something is on its way to the store: then again.
    void set_mode(const std::string& store, const std::string& mode) {
        const json body = {{"mode", mode}, {"reason", "a test"}};
        Caller::Reply reply;
        do {
            reply = caller.call(
                "POST", env.at("ORDERSAGA_URL") + "/api/v1/stores/" + store + "/mode", body.dump(),
                env.at("ORDERSAGA_TOKEN"), seconds(10));
        } while (reply.status == 409 && may_wait());
        ASSERT_EQ(reply.status, 200) << reply.body;
    }
    runtime::Instant cut_over_of(const std::string& store) {
        const Caller::Reply reply =
            caller.call("GET", env.at("ORDERSAGA_URL") + "/api/v1/stores", "", env.at("ORDERSAGA_TOKEN"), seconds(5));
        const json stores = json::parse(reply.body);
        for (const json& row : stores.at("items")) {
            if (row.at("key") == store) return runtime::parse_rfc3339(row.at("go_live_at").get<std::string>()).value();
        }
        ADD_FAILURE() << "no store " << store;
        return {};
    }
    void end() {
        system->signal(SIGTERM);
        EXPECT_TRUE(system->wait_for(seconds(60)));
        EXPECT_EQ(system->ended(), 0);
    }
};

TEST_F(RunningSystem, ServesAScriptAndEndsWhenTold) {
    const std::string order = place_order();
    await_state(order, "Completed");
    EXPECT_TRUE(warehouse_has("blue." + order + ".1.1"));
    end();
    EXPECT_EQ(caller.call("GET", env.at("ORDERSAGA_URL") + "/healthz", "", "", seconds(2)).status, 0)
        << "the orchestrator outlived its demo";
}

// The mirror says there are plenty; the shelf has been emptied but for one.
TEST_F(RunningSystem, PromisesNothingBeyondTheShelfWhereTheWarehouseIsAskedFirst) {
    control("PUT", "/warehouses/main/stock", {{"sku", "SHIRT-07"}, {"on_hand", 1}});
    const std::string in_blue = place_order("SHIRT-07", "blue");
    const std::string in_red = place_order("SHIRT-07", "red");

    std::multiset<std::string> states;
    const std::multiset<std::string> wanted{"Completed", "OutOfStock"};
    do
        states = {state_of(in_blue, "blue"), state_of(in_red, "red")};
    while (states != wanted && may_wait());
    EXPECT_EQ(states, wanted);
    EXPECT_NE(warehouse_has("blue." + in_blue + ".1.1"), warehouse_has("red." + in_red + ".1.1"))
        << "one of the two, and only one, was asked of the warehouse";
    end();
}

// By the witness outside: an observed store and the warehouse are told nothing of its orders, the other store is; and the
// cut-over sends what is ordered from then on alone.
TEST_F(RunningSystem, SendsNothingOfAnObservedStoreUntilTheCutOver) {
    set_mode("blue", "observe");
    std::int64_t begin = 0, end_of_observing = 0;
    effects_after(0, begin);
    const std::string observed = place_order();
    await_state(observed, "FulfillmentRequested");
    bool red_was_told = false;
    do {
        for (const json& effect : effects_after(begin, end_of_observing)) {
            const std::string peer = effect.at("peer"), kind = effect.at("kind");
            red_was_told = red_was_told || (peer.starts_with("shopify:red") && kind == "stock_adjusted");
            EXPECT_TRUE(!peer.starts_with("shopify:blue") || kind == "order_created") << effect.dump();
            EXPECT_FALSE(peer.starts_with("shipbob:")) << effect.dump();
        }
    } while (!red_was_told && may_wait());
    EXPECT_TRUE(red_was_told) << "what blue sold, red must not sell again";

    set_mode("blue", "live");
    const runtime::Instant cut_over = cut_over_of("blue");
    while (runtime::SystemClock().now() < cut_over && may_wait()) {
    }
    const std::string sent = place_order();
    await_state(sent, "Completed");
    EXPECT_TRUE(warehouse_has("blue." + sent + ".1.1"));
    EXPECT_FALSE(warehouse_has("blue." + observed + "."));
    await_state(observed, "FulfillmentRequested");
    end();
}

// One subscription is deleted, one is pointed elsewhere: nobody is told of the next order, and nobody need be.
TEST_F(RunningSystem, RepairsSubscriptionsAndFetchesWhatWasMissed) {
    const std::string shop = "/stores/blue-shirts.myshopify.com";
    const std::string here = env.at("ORDERSAGA_PUBLIC_URL") + "/webhooks/shopify";
    control("PUT", shop + "/subscriptions", {{"topic", "orders/create"}});
    control("PUT", shop + "/subscriptions", {{"topic", "orders/paid"}, {"url", "https://old.example.com/hooks"}});
    const std::string missed = place_order();
    await_state(missed, "Completed");

    const auto both_come_here = [&] {
        std::multiset<std::string> topics;
        const json seen = shown_at(shop);
        for (const json& subscription : seen.at("subscriptions")) {
            const std::string topic = subscription.at("topic");
            if (subscription.at("url") == here && (topic == "orders/create" || topic == "orders/paid"))
                topics.insert(topic);
        }
        return topics == std::multiset<std::string>{"orders/create", "orders/paid"};
    };
    while (!both_come_here() && may_wait()) {
    }
    EXPECT_TRUE(both_come_here());
    await_state(place_order(), "Completed");
    end();
}

TEST_F(RunningSystem, SendsWhatIsAddedTooLateAsTheNextPart) {
    control("PATCH", "/warehouses/main", {{"ships_by_itself", false}});
    const std::string order = place_order();
    while (!warehouse_has("blue." + order + ".1.1") && may_wait()) {
    }
    await_state(order, "FulfillmentRequested");
    control("POST", "/warehouses/main/pick", json::object());  // from now on it is too late to cancel

    const json wanted = {{{"sku", "SHIRT-01"}, {"quantity", 1}}, {{"sku", "SHIRT-02"}, {"quantity", 2}}};
    control("POST", "/stores/blue-shirts.myshopify.com/orders/" + order + "/edit", {{"lines", wanted}});
    while (!warehouse_has("blue." + order + ".2.1") && may_wait()) {
    }
    ASSERT_TRUE(warehouse_has("blue." + order + ".2.1"));
    EXPECT_FALSE(warehouse_has("blue." + order + ".1.2")) << "what was picked is not requested again";

    control("PATCH", "/warehouses/main", {{"ships_by_itself", true}});
    control("POST", "/warehouses/main/ship", json::object());
    control("POST", "/warehouses/main/deliver", json::object());
    await_state(order, "Completed");
    const json shop_order = control("GET", "/stores/blue-shirts.myshopify.com/orders/" + order, nullptr);
    EXPECT_EQ(shop_order.at("order").at("fulfillment_status"), "fulfilled") << shop_order.dump();
    end();
}

}  // namespace
}  // namespace ordersaga::demo
