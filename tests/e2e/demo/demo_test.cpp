// The built programs on real servers, from outside: small demos with faults, with each program and each server killed on
// the way, the story, and the system that is left running for somebody else's script.
#include "sandbox/demo/caller.hpp"
#include "sandbox/demo/child_process.hpp"
#include "sandbox/demo/system.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace ordersaga::demo {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : value;
}

struct Demo : testing::Test {
    std::filesystem::path folder;

    void SetUp() override {
        ASSERT_FALSE(variable("ORDERSAGA_BIN").empty())
            << "run ./dev test e2e, which builds the programs and starts servers";
        ASSERT_FALSE(variable("ORDERSAGA_SERVERS_DIR").empty()) << "run ./dev test e2e, which starts servers";
        // The roles belong to the whole server: other suites know them by these passwords.
        for (const char* role : {"MIGRATOR", "ENGINE", "WORKER", "API"}) {
            std::string password = role;
            for (char& letter : password)
                letter = static_cast<char>(letter - 'A' + 'a');
            setenv(("ORDERSAGA_" + std::string(role) + "_PASSWORD").c_str(), (password + "-test").c_str(), 1);
        }
        const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
        folder = std::filesystem::absolute(".run/e2e") / name;
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
    }

    ChildPlan plan(std::vector<std::string> arguments) const {
        arguments.insert(
            arguments.end(), {"--bin", variable("ORDERSAGA_BIN"), "--servers-env",
                              variable("ORDERSAGA_SERVERS_DIR") + "/env", "--dir", (folder / "demo").string()});
        return {std::filesystem::path(variable("ORDERSAGA_BIN")) / "ordersaga-demo", arguments, {}, folder / "output"};
    }

    // Runs a demo to its end and answers its report.
    json report_of_demo(std::vector<std::string> arguments) const {
        const std::filesystem::path report = folder / "report.json";
        arguments.insert(arguments.end(), {"--exit", "--report", report.string(), "--patience", "150"});
        const CommandEnd end = run_command(plan(std::move(arguments)), seconds(280));
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
        EXPECT_EQ(report["laws"].size(), 10U);
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

TEST_F(Demo, TellsTheStoryOfOneShirtAndTwoBuyers) {
    const CommandEnd end = run_command(plan({"--story"}), seconds(200));
    EXPECT_EQ(end.status, 0) << end.output;
    EXPECT_NE(end.output.find("was refused and is held in its store"), std::string::npos) << end.output;
    EXPECT_NE(end.output.find("The shirt is for sale again: blue shows 1, red shows 1."), std::string::npos)
        << end.output;
}

// Somebody else's script: finds every address in the file, places an order, and sees it in REST and in the ledger.
TEST_F(Demo, IsLeftRunningForAScriptAndEndsWhenTold) {
    const std::filesystem::path env_file = folder / "system.env";
    Child child(plan({"--run", "--stores", "2", "--env", env_file.string()}));
    const auto limit = steady_clock::now() + seconds(150);
    while (!std::filesystem::exists(env_file) && steady_clock::now() < limit && !child.ended())
        child.wait_for(std::chrono::milliseconds(100));
    ASSERT_TRUE(std::filesystem::exists(env_file));
    const std::map<std::string, std::string> env = read_env_file(env_file);
    for (const char* name :
         {"ORDERSAGA_ENGINE_DSN", "ORDERSAGA_AMQP_URL", "ORDERSAGA_URL", "ORDERSAGA_TOKEN", "ORDERSAGA_PUBLIC_URL",
          "ORDERSAGA_SANDBOX_CONTROL_URL", "ORDERSAGA_SANDBOX_LEDGER_URL"}) {
        ASSERT_TRUE(env.contains(name)) << name;
    }
    Caller caller;
    const Caller::Reply order = caller.call(
        "POST", env.at("ORDERSAGA_SANDBOX_CONTROL_URL") + "/stores/blue-shirts.myshopify.com/orders",
        R"({"lines":[{"sku":"SHIRT-01","quantity":1}]})", "", seconds(10));
    ASSERT_EQ(order.status, 201) << order.body;
    const std::string id = json::parse(order.body).at("id");

    std::string state;
    while (state != "Completed" && steady_clock::now() < limit) {
        const Caller::Reply seen = caller.call(
            "GET", env.at("ORDERSAGA_URL") + "/api/v1/orders/blue/" + id, "", env.at("ORDERSAGA_TOKEN"), seconds(5));
        if (seen.status == 200) state = json::parse(seen.body).value("state", json("")).get<std::string>();
        child.wait_for(std::chrono::milliseconds(100));
    }
    EXPECT_EQ(state, "Completed");
    const Caller::Reply ledger = caller.call(
        "GET", env.at("ORDERSAGA_SANDBOX_LEDGER_URL") + "?kind=warehouse_order_created", "", "", seconds(10));
    EXPECT_NE(ledger.body.find("blue." + id + ".1.1"), std::string::npos);

    child.signal(SIGTERM);
    EXPECT_TRUE(child.wait_for(seconds(60)));
    EXPECT_EQ(child.ended(), 0);
    EXPECT_EQ(caller.call("GET", env.at("ORDERSAGA_URL") + "/healthz", "", "", seconds(2)).status, 0)
        << "the orchestrator outlived its demo";
}

}  // namespace
}  // namespace ordersaga::demo
