// What a stranger on the private network may not do, and what a clumsy operator is told.
#include "tests/integration/hostile/hostile_world.hpp"

#include <map>
#include <thread>

namespace ordersaga::test {
namespace {

class HostileOperators : public HostileWorld {
protected:
    // The same command by many at once; answers how often each status was given.
    std::map<int, int> command_at_once(const std::string& path, const runtime::HttpHeaders& more) {
        runtime::HttpHeaders headers = known_;
        headers.insert(headers.end(), more.begin(), more.end());
        std::vector<int> answers(8);
        std::vector<std::thread> operators;
        for (std::size_t i = 0; i < answers.size(); ++i)
            operators.emplace_back(
                [&, i] { answers[i] = status("POST", path, headers, R"({"reason":"wrong size"})"); });
        for (std::thread& one : operators)
            one.join();
        std::map<int, int> statuses;
        for (const int answer : answers)
            ++statuses[answer];
        return statuses;
    }
    // The path of an order's saga that is at rest at the warehouse.
    std::string accepted_order() {
        EXPECT_EQ(send("orders/create", "w1", an_order(1).dump()).status, 200);
        EXPECT_TRUE(work_until_state("FulfillmentRequested"));
        return "/api/v1/sagas/" + look("SELECT saga_id FROM sagas");
    }

    int status(
        const std::string& method,
        const std::string& path,
        const runtime::HttpHeaders& headers,
        const std::string& body = {}) {
        return orchestrator_->call_private(method, path, headers, body).status;
    }
    const runtime::HttpHeaders known_{{"Authorization", std::string("Bearer ") + operator_token}};
};

TEST_F(HostileOperators, WithoutAGoodTokenSeeNothing) {
    for (const char* token :
         {"", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "bearer operator-token-of-shirts-012345678"}) {
        EXPECT_EQ(status("GET", "/api/v1/sagas", {{"Authorization", token}}), 401) << token;
    }
    EXPECT_EQ(status("GET", "/api/v1/sagas", {}), 401);
    EXPECT_EQ(status("POST", "/api/v1/stock/SHIRT/adjust", {}, "{}"), 401);
}

TEST_F(HostileOperators, AreToldWhatIsWrong) {
    ASSERT_EQ(send("orders/create", "w1", an_order(1).dump()).status, 200);
    const std::string saga = look("SELECT saga_id FROM sagas");
    const std::string cancel = "/api/v1/sagas/" + saga + "/cancel";
    const std::vector<std::pair<std::string, int>> bodies{
        {"", 400},
        {"x", 400},
        {"[]", 400},
        {"{}", 400},
        {R"({"reason":""})", 400},
        {R"({"reason":7})", 400},
        {R"({"reason":"a","more":1})", 400},
        {R"({"reason":"a\u0000b"})", 400},
        {std::string(3'000, '['), 400},
        {R"({"reason":")" + std::string(100'000, 'a') + R"("})", 413},
    };
    for (const auto& [body, expected] : bodies)
        EXPECT_EQ(status("POST", cancel, known_, body), expected) << body.substr(0, 60);
    EXPECT_EQ(status("GET", "/api/v1/sagas?stat=OnHold", known_), 400) << "a misspelt filter must not mean all";
    EXPECT_EQ(status("GET", "/api/v1/sagas?limit=100000", known_), 400);
    EXPECT_EQ(status("GET", "/api/v1/sagas?after=%00", known_), 400);
    EXPECT_EQ(status("GET", "/api/v1/sagas/' OR 1=1", known_), 0)
        << "a blank in a target is not sent by our own client";
    EXPECT_EQ(status("GET", "/api/v1/sagas/%27%20OR%201%3D1", known_), 404);
    EXPECT_EQ(status("GET", "/api/v1/sagas/0190a000-0000-7000-8000-000000000001", known_), 404);
    EXPECT_EQ(status("DELETE", "/api/v1/sagas", known_), 405);
    EXPECT_EQ(status("GET", "/api/v1/nothing", known_), 404);
    EXPECT_EQ(status("GET", "/../../etc/passwd", known_), 404);
    EXPECT_EQ(look("SELECT count(*) FROM audit WHERE action LIKE 'saga %'"), "0");
    expect_that_it_lives();
}

// Two people see the same version and press at once: one is heard, the others are told to look again.
TEST_F(HostileOperators, WhoSawTheSameVersionAreHeardOnce) {
    const std::string saga = accepted_order();
    const std::string version = "\"" + look("SELECT version FROM sagas") + "\"";

    std::map<int, int> statuses = command_at_once(saga + "/cancel", {{"If-Match", version}});

    EXPECT_EQ(statuses[200], 1);
    EXPECT_EQ(statuses[409] + statuses[412], 7);
    EXPECT_EQ(look("SELECT count(*) FROM audit WHERE action = 'saga cancel'"), "1");
}

TEST_F(HostileOperators, WhoRepeatThemselvesUnderOneKeyAreHeardOnce) {
    const std::string saga = accepted_order();

    std::map<int, int> statuses = command_at_once(saga + "/cancel", {{"Idempotency-Key", "pressed-twice"}});

    EXPECT_GE(statuses[200], 1);
    EXPECT_EQ(statuses[200] + statuses[409], 8) << "done, or under way";
    EXPECT_EQ(look("SELECT count(*) FROM audit WHERE action = 'saga cancel'"), "1");
    EXPECT_EQ(look("SELECT count(*) FROM saga_history WHERE event = 'CancelRequested'"), "1");
}

TEST_F(HostileOperators, OfOneMerchantCannotTouchAnothersSaga) {
    ASSERT_EQ(
        orchestrator_->send_webhook(other_shop, other_secret, "orders/create", "w1", an_order(1).dump()).status, 200);
    const std::string saga = look("SELECT saga_id FROM sagas");
    EXPECT_EQ(status("GET", "/api/v1/sagas/" + saga, known_), 404);
    EXPECT_EQ(status("POST", "/api/v1/sagas/" + saga + "/cancel", known_, R"({"reason":"not mine"})"), 404);
    EXPECT_NE(state_of_saga(), "Compensated");
    EXPECT_EQ(look("SELECT count(*) FROM audit WHERE action LIKE 'saga %'"), "0");
}

}  // namespace
}  // namespace ordersaga::test
