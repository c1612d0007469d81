// The verdict: each promise that is not kept fails the run, and the report has every figure it must have.
#include "sandbox/demo/account.hpp"

#include <gtest/gtest.h>

namespace ordersaga::demo {
namespace {

using nlohmann::json;

Account a_good_account() {
    Account account;
    account.submitted = account.accepted = 200;
    account.stores = 3;
    account.final_states = {{"Completed", 190}, {"Compensated", 6}, {"OutOfStock", 4}};
    for (int law = 1; law <= 11; ++law)
        account.laws["L" + std::to_string(law)] = true;
    account.summary =
        json::parse(R"({"effects": {"fulfillments_created": 192, "duplicate_fulfillments": 0, "oversold_units": 0},
        "webhooks": {"shopify": {"sent": 900, "duplicated": 90}, "shipbob": {}}, "faults": {}})");
    account.judgement.fulfillments_expected = account.judgement.fulfillments_live = 190;
    account.faults_injected = {{"webhooks_duplicated", 90}, {"webhooks_reordered", 3}};
    return account;
}

std::string complaints(const Account& account, const std::string& profile = "default") {
    std::string text;
    for (const std::string& failure : failures_of(account, fault_profile(profile, {})))
        text += failure + "\n";
    return text;
}

TEST(Verdict, IsGoodWhenEveryPromiseWasKept) {
    EXPECT_EQ(complaints(a_good_account()), "");
}

TEST(Verdict, ConvictsEachBrokenPromise) {
    const auto broken = [](auto breaker) {
        Account account = a_good_account();
        breaker(account);
        return complaints(account);
    };

    EXPECT_EQ(broken([](Account& account) { account.accepted = 199; }), "199 of 200 orders were accepted\n");
    EXPECT_NE(
        broken([](Account& account) { account.unsettled = {"blue #1 in Shipped"}; }).find("neither final"),
        std::string::npos);
    EXPECT_NE(
        broken([](Account& account) {
            account.incidents = {{"blue #1", "why"}};
        }).find("incidents, 0 allowed (1)"),
        std::string::npos);
    EXPECT_EQ(broken([](Account& account) { account.parked_items = 1; }), "1 inputs were parked\n");
    EXPECT_EQ(broken([](Account& account) { account.laws["L3"] = false; }), "L3 is broken\n");
    EXPECT_EQ(broken([](Account& account) { account.laws.erase("L10"); }), "L10 was not checked\n");
    EXPECT_NE(broken([](Account& account) { account.summary["effects"]["duplicate_fulfillments"] = 1; }), "");
    EXPECT_NE(broken([](Account& account) { account.summary["effects"]["oversold_units"] = 2; }), "");
    EXPECT_EQ(
        broken([](Account& account) {
            account.summary["stores"]["blue"]["tokens"] = {{"granted", 3}, {"calls_after_expiry", 4}};
        }),
        "4 calls came with a token that had ended\n");
    EXPECT_NE(
        broken([](Account& account) { account.judgement.unequal_listings = {"blue A shows 1, should show 0"}; }), "");
    EXPECT_NE(
        broken([](Account& account) { account.judgement.mismatches = {"blue #1: never reached the warehouse"}; }), "");
    EXPECT_NE(broken([](Account& account) { account.judgement.untold_stores = {"blue #1"}; }), "");
    EXPECT_NE(broken([](Account& account) { account.crashes = {"orchestrator ended with status 139"}; }), "");
    EXPECT_EQ(
        broken([](Account& account) { account.faults_injected["webhooks_reordered"] = 0; }),
        "webhooks_reordered was never injected: the run shows nothing about it\n");
}

TEST(Verdict, AllowsOneIncidentInAHundredUnderHarshFaults) {
    Account account = a_good_account();
    for (const std::string& kind : fault_profile("harsh", {}).must_occur)
        account.faults_injected[kind] = 1;
    account.incidents = {{"blue #1", "why"}, {"blue #2", "why"}};
    EXPECT_EQ(complaints(account, "harsh"), "");

    account.incidents.push_back({"blue #3", "why"});
    EXPECT_NE(complaints(account, "harsh").find("incidents, 2 allowed (3)"), std::string::npos);
}

TEST(Verdict, NeedsEveryKindOfHarshFault) {
    Account account = a_good_account();
    const std::string text = complaints(account, "harsh");
    for (const char* kind :
         {"webhooks_dropped", "calls_throttled", "calls_5xx", "calls_applied_then_timeout", "outages_shopify",
          "outages_shipbob", "kills_orchestrator", "kills_worker", "kills_rabbitmq"}) {
        EXPECT_NE(text.find(std::string(kind) + " was never injected"), std::string::npos) << kind;
    }
}

TEST(Report, HasEveryFigureOfTheContract) {
    const json report = report_of(a_good_account(), fault_profile("default", {}));

    for (const char* name : {"submitted", "accepted", "webhooks_sent", "duplicates_sent"})
        EXPECT_TRUE(report["orders"].contains(name)) << name;
    for (const char* name :
         {"fulfillments_created", "fulfillments_expected", "duplicate_fulfillments", "oversold_units",
          "refused_after_sale", "store_calls", "store_changes"}) {
        EXPECT_TRUE(report["effects"][name].is_number_integer()) << name;
    }
    for (const char* name : {"accept_p50", "accept_p99", "requested_p50", "requested_p99"})
        EXPECT_TRUE(report["latency_ms"][name].is_number()) << name;
    EXPECT_EQ(report["final_states"]["Completed"], 190);
    EXPECT_EQ(report["laws"].size(), 11U);
    EXPECT_TRUE(report["incidents"].is_array());
    EXPECT_EQ(report["faults_injected"]["webhooks_duplicated"], 90);
    EXPECT_EQ(report["passed"], true);
    EXPECT_FALSE(text_of(a_good_account(), fault_profile("default", {})).empty());
}

TEST(Laws, AreReadAsAListOrAsAnObject) {
    Account account;
    EXPECT_TRUE(read_laws(
        R"({"laws": [{"law": "L1", "holds": true}, {"law": "L2", "holds": false,
        "findings": [{"row": "saga 1", "text": "no"}]}]})",
        account));
    EXPECT_TRUE(account.laws.at("L1"));
    EXPECT_FALSE(account.laws.at("L2"));
    EXPECT_EQ(account.law_findings, std::vector<std::string>{"L2 saga 1: no"});

    Account other;
    EXPECT_TRUE(read_laws(R"({"laws": {"L1": true, "L4": false}})", other));
    EXPECT_FALSE(other.laws.at("L4"));
    EXPECT_FALSE(read_laws("sagactl: no", other));
}

TEST(FaultPlan, HarshIsAtLeastAsHarshAsPromised) {
    const json faults = faults_on("harsh");
    for (const char* peer : {"shopify", "shipbob"}) {
        EXPECT_GE(faults["webhooks"][peer]["duplicated"], 0.2);
        EXPECT_GE(faults["webhooks"][peer]["reordered"], 0.1);
        EXPECT_GE(faults["webhooks"][peer]["dropped"], 0.05);
        EXPECT_GE(faults["calls"][peer]["throttled"], 0.1);
        EXPECT_GE(
            faults["calls"][peer]["error_before"].get<double>() + faults["calls"][peer]["error_after"].get<double>(),
            0.05);
        EXPECT_GE(faults["calls"][peer]["timeout_after"], 0.03);
    }
    std::map<std::string, int> times;
    for (const Mishap& mishap : fault_profile("harsh", {}).mishaps) {
        ++times[mishap.subject];
        if (mishap.kind == Mishap::Kind::outage) {
            EXPECT_GE(mishap.seconds, 5);
        }
    }
    EXPECT_EQ(
        times, (std::map<std::string, int>{
                   {"shopify", 2}, {"shipbob", 2}, {"orchestrator", 1}, {"worker", 1}, {"rabbitmq", 1}}));
}

TEST(FaultPlan, SpreadsFurtherKills) {
    const FaultProfile profile = fault_profile("none", {"pg", "worker"});
    ASSERT_EQ(profile.mishaps.size(), 2U);
    EXPECT_EQ(profile.mishaps[0].subject, "pg");
    EXPECT_EQ(profile.must_occur, (std::vector<std::string>{"kills_pg", "kills_worker"}));
}

}  // namespace
}  // namespace ordersaga::demo
