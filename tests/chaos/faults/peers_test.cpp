// Stores and the warehouse in every bad mood: slow, silent, wrong, throttling, away, done and not saying so.
#include "sandbox/demo/fault_plan.hpp"
#include "tests/chaos/faults/each_fault.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::chaos {
namespace {

using nlohmann::json;

class Peers : public EachFault {
protected:
    // Most calls of both kinds of peers go wrong so, for as long, and until each of them has gone wrong in every way.
    void in_this_mood(const json& rates, milliseconds length) {
        const json before = injected();
        shop().system.control("PUT", "/control/faults", {{"calls", {{"shopify", rates}, {"shipbob", rates}}}});
        shop().go_on_for(length);
        EXPECT_TRUE(shop().wait_until([&] { return never_injected(rates, before).empty(); }, seconds(60)))
            << never_injected(rates, before);
        shop().system.control("PUT", "/control/faults", demo::faults_off());
    }

private:
    json injected() { return shop().system.control("/control/summary").value("faults", json::object()); }
    std::string never_injected(const json& rates, const json& before) {
        const json now = injected();
        for (const std::string peer : {"shopify", "shipbob"}) {
            for (const auto& [kind, rate] : rates.items()) {
                const bool counts = !kind.ends_with("_ms");
                if (counts && count(now, peer, kind) <= count(before, peer, kind)) return peer + " was never " + kind;
            }
        }
        return {};
    }
    static std::int64_t count(const json& faults, const std::string& peer, const std::string& kind) {
        return faults.contains(peer) ? faults.at(peer).value(kind, std::int64_t{0}) : 0;
    }
};

// T35
TEST_F(Peers, ThatAreSlowSilentOrDripAreGivenUpInTime) {
    in_this_mood({{"slow", 0.4}, {"slow_for_ms", 1'500}, {"timeout_after", 0.3}, {"hold_for_ms", 15'000}}, seconds(6));
    for (const char* link : {"workers to shopify", "workers to shipbob"})
        shop().links.at(link).set(network::Direction::to_client, {.bytes_per_second = 40, .slice = 1});
    shop().go_on_for(seconds(5));
}

// T36
TEST_F(Peers, ThatAnswerGarbageAreNotBelieved) {
    in_this_mood({{"garbage", 0.7}}, seconds(6));
}

// T37
TEST_F(Peers, ThatHideAnErrorInASuccessAreNotBelieved) {
    in_this_mood({{"error_inside", 0.7}}, seconds(6));
}

// T38
TEST_F(Peers, ThatThrottleOrTurnAwayWithOddWaitsAreWaitedFor) {
    in_this_mood({{"throttled", 0.4}, {"turned_away", 0.4}}, seconds(6));
}

// T39, in seconds instead of hours
TEST_F(Peers, ThatAreAwayAreWaitedFor) {
    spoil("shopify away", seconds(5));
    spoil("shipbob away", seconds(5));
}

// T40
TEST_F(Peers, ThatHaveDoneItAndDoNotSaySoDoItOnce) {
    in_this_mood(
        {{"error_after", 0.3}, {"reset_after", 0.3}, {"error_before", 0.1}, {"reset_before", 0.1}}, seconds(6));
    spoil_links("cut before receiving answer", " to shipbob", seconds(2));
    spoil_links("cut before receiving answer", " to shopify", seconds(2));
}

// T43, the half of it that needs no TLS
TEST_F(Peers, OverABadNetworkAreAskedAgain) {
    for (const char* end : {" to shopify", " to shipbob", " to intake"}) {
        spoil_links("half-closed", end, seconds(2));
        spoil_links("half-open", end, seconds(3));
        spoil_links("slow and sliced", end, seconds(2));
    }
}

}  // namespace
}  // namespace ordersaga::chaos
