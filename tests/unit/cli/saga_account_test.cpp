#include "orchestrator/cli/saga_account.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::cli {
namespace {

using nlohmann::json;

// An hour after it entered its state.
json a_saga(const std::string& state) {
    return {
        {"state", state},
        {"asked_at", "2026-07-01T10:00:00.5+00:00"},
        {"in_state_since", "2026-07-01T09:00:00.250000+00:00"},
        {"remembers", {{"holds", json::array()}, {"cause", ""}}},
        {"last_event",
         {{"at", "2026-07-01T09:00:00+00:00"}, {"event", "OrderPlaced"}, {"cause", "webhook"}, {"note", ""}}},
        {"incident", nullptr},
        {"next_wake", "2026-07-01T10:10:00+00:00"},
        {"reservations", json::array()},
        {"waits", json::array()},
        {"commands", json::array()}};
}

json a_command(const std::string& state) {
    return {
        {"activity", "RequestFulfillment"},
        {"lane", "warehouse:1"},
        {"peer", "main"},
        {"state", state},
        {"counted_attempts", 2},
        {"most_attempts", 12},
        {"due_at", "2026-07-01T10:00:12.5+00:00"},
        {"deadline", "2026-07-01T10:00:20.5+00:00"},
        {"outcome", ""},
        {"last_error", "503 Service Unavailable"},
        {"lane_held", nullptr}};
}

std::string told(const json& saga, const std::string& name) {
    std::string all;
    for (const auto& [what, text] : account_of(saga)) {
        if (what == name) all += (all.empty() ? "" : " | ") + text;
    }
    return all;
}

TEST(SagaAccount, SaysThatAnotherSystemSendsIt) {
    json saga = a_saga("FulfillmentRequested");
    EXPECT_EQ(told(saga, "observed"), "");
    EXPECT_NE(told(saga, "waits for").find("the warehouse to ship"), std::string::npos);
    saga["remembers"]["observed"] = true;
    EXPECT_NE(told(saga, "observed").find("nothing leaves"), std::string::npos);
    EXPECT_EQ(told(saga, "waits for"), "its store's word that the other system has sent it");
}

TEST(SagaAccount, TellsWhichAttemptIsNextAndWhatFailedLast) {
    json saga = a_saga("ChannelsSynced");
    saga["commands"] = {a_command("waiting")};
    EXPECT_EQ(told(saga, "state"), "ChannelsSynced since 2026-07-01 09:00:00Z (60 min ago)");
    EXPECT_EQ(told(saga, "waits for"), "RequestFulfillment at main: attempt 3 of 12 at 2026-07-01 10:00:12Z (in 12 s)");
    EXPECT_EQ(told(saga, "last error"), "RequestFulfillment at main: 503 Service Unavailable");
    EXPECT_NE(told(saga, "next").find("the warehouse takes the order"), std::string::npos);

    saga["commands"] = {a_command("sent")};
    EXPECT_EQ(
        told(saga, "waits for"),
        "RequestFulfillment at main: attempt 3 of 12 is under way, its answer is due by 2026-07-01 10:00:20Z (in 20 "
        "s)");

    saga["commands"][0]["state"] = "waiting";
    saga["commands"][0]["lane_held"] = {
        {"breaker", "open"}, {"reason", "five failures"}, {"not_before", "2026-07-01T10:00:30.5+00:00"}};
    EXPECT_EQ(
        told(saga, "waits for"),
        "RequestFulfillment at main: attempt 3 of 12 when calls to main are let through again, its breaker is open "
        "(five failures), not before 2026-07-01 10:00:30Z (in 30 s)");
}

TEST(SagaAccount, ForgetsAnErrorThatWasOvercome) {
    json saga = a_saga("FulfillmentRequested");
    saga["commands"] = {a_command("closed")};
    saga["commands"][0]["outcome"] = "done";
    EXPECT_EQ(told(saga, "last error"), "");
    EXPECT_NE(told(saga, "waits for").find("the warehouse to ship"), std::string::npos);
    saga["commands"][0]["outcome"] = "refused";
    EXPECT_NE(told(saga, "last error"), "");
}

TEST(SagaAccount, TellsWhatAHeldOrBackorderedOrderWaitsFor) {
    json held = a_saga("OnHold");
    held["remembers"]["holds"] = {"unpaid", "something new"};
    held["remembers"]["hold_until"] = "2026-07-04T09:00:00Z";
    EXPECT_EQ(told(held, "waits for"), "payment | something new");
    EXPECT_NE(told(held, "next").find("given up at"), std::string::npos);

    json queued = a_saga("Backordered");
    queued["reservations"] = {{{"sku", "SHIRT"}, {"waiting", 2}, {"ahead", 3}}, {{"sku", "MUG"}, {"waiting", 0}}};
    EXPECT_EQ(told(queued, "waits for"), "2 of SHIRT (3 orders are before it)");
}

TEST(SagaAccount, NamesTheStoresThatLag) {
    json saga = a_saga("Reserved");
    saga["waits"] = {{{"kind", "channels"}, {"sku", "SHIRT"}, {"stores", {"red", "blue"}}}};
    saga["remembers"]["wait_until"] = "2026-07-01T10:00:05.5Z";
    EXPECT_EQ(told(saga, "waits for"), "red, blue to show the new stock of SHIRT");
    EXPECT_NE(told(saga, "next").find("ask the warehouse, at the latest"), std::string::npos);
}

TEST(SagaAccount, TellsAPersonWhatToType) {
    json saga = a_saga("NeedsOperator");
    saga["incident"] = "RequestFulfillment failed: 500";
    saga["remembers"]["resume"] = "ChannelsSynced";
    EXPECT_EQ(told(saga, "waits for"), "a person: RequestFulfillment failed: 500");
    EXPECT_NE(told(saga, "next").find("sagactl retry goes on from ChannelsSynced"), std::string::npos);
    json over = a_saga("Compensated");
    over["remembers"]["cause"] = "cancelled by customer";
    EXPECT_EQ(told(over, "because"), "cancelled by customer");
    EXPECT_EQ(told(over, "next"), "nothing, it is over");
}

TEST(SagaAccount, SurvivesAnAnswerThatTellsNothing) {
    for (const json& answer :
         {json(), json(7), json::object(), json{{"commands", 3}, {"waits", {1, nullptr}}, {"remembers", "x"}},
          json{{"state", 5}, {"reservations", {{{"waiting", "many"}}}}}}) {
        EXPECT_NO_THROW(account_of(answer)) << answer;
    }
}

TEST(SagaAccount, ShortensOnlyWhatIsATime) {
    EXPECT_EQ(moment_of("2026-07-01T09:30:00.123456+00:00"), "2026-07-01 09:30:00Z");
    EXPECT_EQ(moment_of("2026-07-01T09:30:00Z"), "2026-07-01 09:30:00Z");
    EXPECT_EQ(moment_of("2026-07-01T09:30:00+02:00"), "2026-07-01T09:30:00+02:00");
    for (const std::string text :
         {"2026-07-01", "TSHIRT-TSHIRT-TSHIRT-TSH+00:00", "2026-13-01T09:30:00.123456+00:00", ""})
        EXPECT_EQ(moment_of(text), text);
}

}  // namespace
}  // namespace ordersaga::cli
