#include "db/errors.hpp"
#include "orchestrator/api/cursor.hpp"
#include "orchestrator/api/routes.hpp"
#include "tests/unit/api/listener_fixture.hpp"

namespace ordersaga::api {
namespace {

// A path of the route with something at each parameter.
std::string target_of(const Route& route) {
    std::string path(route.path);
    for (const auto& [name, value] : std::map<std::string, std::string>{
             {"{id}", known_saga},
             {"{store}", "eu"},
             {"{order}", "1"},
             {"{sku}", "SHIRT"},
             {"{item}", "5"},
             {"{incident}", "8"},
             {"{listing}", "17"}}) {
        if (const std::size_t at = path.find(name); at != std::string::npos) path.replace(at, name.size(), value);
    }
    return path;
}

// What a command of the route has to say at least.
json words_of(const Route& route) {
    json body = {{"reason", "r"}};
    if (route.operation == Operation::set_store_mode) body["mode"] = "live";
    if (route.operation == Operation::adjust_stock)
        body.update({{"warehouse", "main"}, {"difference", 1}, {"expected_version", 9}});
    return body;
}

TEST_F(ListenerTest, LetsEachRoleDoWhatItMayOnEveryRoute) {
    const std::map<std::string, Role> roles{
        {"reader", Role::read}, {"operator", Role::operator_}, {"admin", Role::admin}};
    for (const Route& route : routes) {
        for (const auto& [token, role] : roles) {
            HttpRequest request = a_request(std::string(route.method), "/api/v1" + target_of(route), token);
            if (route.method == "POST") request.body = words_of(route).dump();
            EXPECT_EQ(ask(request).status, role >= route.role ? 200 : 403)
                << route.method << " " << route.path << " " << token;
        }
    }
}

// Nobody writes what he may only read by naming it in a command.
TEST_F(ListenerTest, RefusesWhatACommandDoesNotKnowOnEveryRoute) {
    for (const Route& route : routes) {
        if (route.method != "POST") continue;
        for (const char* member :
             {"state", "merchant", "merchant_id", "version", "saga_id", "actor", "by", "role", "on_hand", "Reason",
              "reason ", "__proto__"}) {
            json body = words_of(route);
            body[member] = 2;
            clock_.advance(std::chrono::seconds(1));  // this many at once are more than one may ask
            const HttpResponse response = ask(a_command(target_of(route), body, "admin"));
            EXPECT_EQ(response.status, 400) << route.path << " takes " << member;
            EXPECT_NE(response.body.find("not known here"), std::string::npos) << response.body;
        }
    }
    EXPECT_TRUE(engine_.offered.empty());
    EXPECT_TRUE(engine_.previewed.empty());
    EXPECT_EQ(script_.last.find("settle"), std::string::npos);
}

// Answers to anybody, to somebody and to nobody: none may be kept, read as something else, or read by another site's page.
TEST_F(ListenerTest, GuardsEveryAnswerAgainstOtherPagesAndCaches) {
    std::vector<std::pair<std::string, HttpResponse>> answers;
    const auto add = [&](const std::string& method, const std::string& target, const std::string& token) {
        clock_.advance(std::chrono::seconds(1));
        HttpRequest request = a_request(method, target, token);
        request.headers.emplace_back("Origin", "https://evil.example");
        request.headers.emplace_back("Content-Type", "application/json");
        answers.emplace_back(method + " " + target, ask(request));
    };
    for (const Route& route : routes) {
        for (const char* token : {"", "reader", "admin"})
            add(std::string(route.method), "/api/v1" + target_of(route), token);
        add("OPTIONS", "/api/v1" + target_of(route), "admin");
    }
    for (const OpenRoute& route : open_routes)
        add(std::string(route.method), std::string(route.path), "");
    add("GET", "/nothing", "");

    for (const auto& [asked, response] : answers) {
        const auto field = [&answer = response](std::string_view name) {
            const std::string* value = runtime::find_header(answer.headers, name);
            return value == nullptr ? std::string() : *value;
        };
        if (response.status != 204) {
            EXPECT_EQ(field("X-Content-Type-Options"), "nosniff") << asked << " " << response.status;
        }
        EXPECT_EQ(field("Cache-Control"), "no-store") << asked << " " << response.status;
        for (const auto& [name, value] : response.headers)
            EXPECT_FALSE(name.starts_with("Access-Control-")) << asked << ": " << name;
    }
}

TEST_F(ListenerTest, LetsNobodyInWithoutAProperToken) {
    for (const Route& route : routes) {
        clock_.advance(std::chrono::minutes(1));  // the wrong guesses below are not what is tested here
        HttpRequest request = a_request(std::string(route.method), "/api/v1" + target_of(route), "");
        EXPECT_EQ(ask(request).status, 401);
        for (const std::string value :
             {"Bearer wrong", "bearer admin", "Bearer", "Bearer ", "Basic admin", "Bearer admin admin", "admin"}) {
            HttpRequest other = request;
            other.headers.emplace_back("Authorization", value);
            EXPECT_EQ(ask(other).status, 401) << value;
        }
        HttpRequest twice = a_request(std::string(route.method), "/api/v1" + target_of(route), "admin");
        twice.headers.emplace_back("authorization", "Bearer admin");
        EXPECT_EQ(ask(twice).status, 401);
    }
    EXPECT_TRUE(engine_.offered.empty());
}

TEST_F(ListenerTest, SlowsGuessesDownWithoutShuttingOthersOut) {
    EXPECT_EQ(ask(a_request("GET", "/api/v1/stores", "reader")).status, 200);
    for (int guess = 0; guess < 10; ++guess)
        EXPECT_EQ(ask(a_request("GET", "/api/v1/stores", "wrong")).status, 401);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/stores", "wrong")).status, 429);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/stores", "reader")).status, 200);
    clock_.advance(std::chrono::seconds(2));
    EXPECT_EQ(ask(a_request("GET", "/api/v1/stores", "wrong")).status, 401);
}

TEST_F(ListenerTest, LimitsTheRateOfOneToken) {
    int refused = 0;
    for (int count = 0; count < 150; ++count)
        refused += ask(a_request("GET", "/api/v1/stores", "reader")).status == 429 ? 1 : 0;
    EXPECT_EQ(refused, 50);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/stores", "admin")).status, 200);
}

TEST_F(ListenerTest, SaysTheSameOfForeignMissingAndMalformedSagas) {
    const HttpResponse missing = ask(a_request("GET", "/api/v1/sagas/0190a000-0000-7000-8000-00000000ffff"));
    const HttpResponse malformed = ask(a_request("GET", "/api/v1/sagas/1"));
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(missing.content_type, "application/problem+json");
    EXPECT_EQ(missing.body, malformed.body);
    for (const std::string part : {"/history", "/diagram"}) {
        EXPECT_EQ(
            ask(a_request("GET", "/api/v1/sagas/0190a000-0000-7000-8000-00000000ffff" + part)).body, missing.body);
    }
}

TEST_F(ListenerTest, GivesTheVersionAsETag) {
    const HttpResponse response = ask(a_request("GET", "/api/v1/sagas/" + known_saga));
    ASSERT_NE(runtime::find_header(response.headers, "etag"), nullptr);
    EXPECT_EQ(*runtime::find_header(response.headers, "etag"), "\"7\"");
}

TEST_F(ListenerTest, HidesAddressesFromAllButAdmins) {
    EXPECT_EQ(ask(a_request("GET", "/api/v1/sagas/" + known_saga + "?data=true", "operator")).status, 403);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/sagas/" + known_saga + "?data=true", "admin")).status, 200);
    ask(a_request("GET", "/api/v1/sagas/" + known_saga + "/history", "reader"));
    EXPECT_EQ(script_.last, "history");
    ask(a_request("GET", "/api/v1/sagas/" + known_saga + "/history", "operator"));
    EXPECT_EQ(script_.last, "history with details");
}

TEST_F(ListenerTest, RefusesQueriesThatItDoesNotKnow) {
    for (const std::string query :
         {"stat=OnHold", "limit=0", "limit=201", "limit=-1", "limit=1e9", "limit=", "incident=yes", "older_than=5",
          "older_than=-5m", "older_than=99999999d", "state=a&state=b", "limit=5&limit=5"}) {
        const int status = ask(a_request("GET", "/api/v1/sagas?" + query)).status;
        EXPECT_EQ(status, query == "limit=" ? 200 : 400) << query;
    }
    EXPECT_EQ(ask(a_request("GET", "/api/v1/sagas?state=" + std::string(400, 'x'))).status, 400);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/sagas?state=Onhold")).status, 400) << "no state of an order";
    const json saga = json::parse(ask(a_request("GET", "/api/v1/sagas/" + known_saga)).body);
    EXPECT_EQ(saga.at("commands").at(0).at("most_attempts"), 12);
    const std::string after = "&after=" + seal_cursor("/sagas", "x");
    EXPECT_EQ(ask(a_request("GET", "/api/v1/sagas?state=OnHold&limit=200&older_than=15m" + after)).status, 200);
    EXPECT_EQ(script_.last, "sagas state=OnHold limit=200 after=x");
}

TEST_F(ListenerTest, TakesTheCursorsOfTheSameListOnly) {
    for (const std::string& cursor : {std::string("x"), seal_cursor("/stores", "x"), seal_cursor("/sagas", "x") + "A"})
        EXPECT_EQ(ask(a_request("GET", "/api/v1/sagas?after=" + cursor)).status, 400) << cursor;
    script_.next = "2026-07-01 00:00:00+00_5";
    const json page = json::parse(ask(a_request("GET", "/api/v1/sagas")).body);
    EXPECT_EQ(open_cursor("/sagas", page.at("next").get<std::string>()), "2026-07-01 00:00:00+00_5");
    EXPECT_EQ(page.dump().find("2026"), std::string::npos);
}

TEST_F(ListenerTest, AnswersToItsOwnNamesOnly) {
    for (const auto& [host, status] : std::map<std::string, int>{
             {"localhost", 200},
             {"LOCALHOST:1", 200},
             {"127.0.0.1:8081", 200},
             {"[::1]:8081", 200},
             {"ops.example", 200},
             {"Ops.Example:443", 200},
             {"evil.example", 421},
             {"localhost.evil.example", 421},
             {"ops.example.evil", 421},
             {"", 421}}) {
        for (const std::string path : {"/", "/metrics", "/session", "/api/v1/stores", "/healthz"}) {
            HttpRequest request = a_request("GET", path);
            request.headers.front().second = host;
            const int answered = ask(request).status;
            if (status == 200 || path == "/healthz") {
                EXPECT_NE(answered, 421) << host << path;
            } else {
                EXPECT_EQ(answered, 421) << host << path;
            }
        }
    }
}

TEST_F(ListenerTest, LimitsTheRateOfOneAddressAndSaysWhenToComeAgain) {
    int refused = 0;
    for (int count = 0; count < 450; ++count)
        refused += ask(a_request("GET", "/", "")).status == 429 ? 1 : 0;
    EXPECT_EQ(refused, 50);
    const HttpResponse response = ask(a_request("GET", "/", ""));
    ASSERT_NE(runtime::find_header(response.headers, "retry-after"), nullptr);
    EXPECT_EQ(*runtime::find_header(response.headers, "retry-after"), "1");
    HttpRequest other = a_request("GET", "/", "");
    other.remote_address = "127.0.0.2";
    EXPECT_EQ(ask(other).status, 200);
}

TEST_F(ListenerTest, TellsHowMuchIsLeft) {
    const HttpResponse response = ask(a_request("GET", "/api/v1/stores", "reader"));
    ASSERT_NE(runtime::find_header(response.headers, "ratelimit"), nullptr);
    EXPECT_EQ(*runtime::find_header(response.headers, "ratelimit"), "\"caller\";r=99;t=1");
    EXPECT_EQ(*runtime::find_header(response.headers, "ratelimit-policy"), "\"caller\";q=100;w=2");
}

TEST_F(ListenerTest, LetsWhoSeesSeveralMerchantsNameOne) {
    Principal& reader = script_.tokens.at(runtime::sha256_hex("reader"));
    EXPECT_EQ(ask(a_request("GET", "/api/v1/stores?merchant=Shirts", "reader")).status, 200);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/stores?merchant=Hats", "reader")).status, 404);
    reader.merchants.push_back({{2}, "Hats"});
    EXPECT_EQ(ask(a_request("GET", "/api/v1/stores", "reader")).status, 400);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/stores?merchant=Hats", "reader")).status, 200);
    EXPECT_EQ(script_.last_merchant.value, 2);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/stores?merchant=Coats", "reader")).status, 404);
}

TEST_F(ListenerTest, ServesNothingElse) {
    for (const std::string target :
         {"/api/v1", "/api/v1/", "/api/v1/saga", "/api/v2/sagas", "/api/v1/sagas/", "/api/v1/sagas/../stock",
          "/dashboard", "/api/v1x/sagas"}) {
        EXPECT_EQ(ask(a_request("GET", target)).status, 404) << target;
    }
    const HttpResponse wrong_method = ask(a_request("DELETE", "/api/v1/sagas"));
    EXPECT_EQ(wrong_method.status, 405);
    EXPECT_EQ(*runtime::find_header(wrong_method.headers, "Allow"), "GET");
    EXPECT_EQ(ask(a_request("GET", "/api/v1/sagas/" + known_saga + "/retry")).status, 405);
    EXPECT_EQ(ask(a_request("POST", "/metrics")).status, 405);
}

TEST_F(ListenerTest, TellsWhatIsHere) {
    EXPECT_EQ(ask(a_request("GET", "/", "")).status, 200);
    EXPECT_EQ(ask(a_request("GET", "/healthz", "")).status, 200);
    EXPECT_EQ(json::parse(ask(a_request("GET", "/api/v1/openapi.json", "")).body).at("openapi"), "3.1.0");
    EXPECT_NE(ask(a_request("GET", "/metrics", "")).body.find("ordersaga_api_answers_total"), std::string::npos);
}

TEST_F(ListenerTest, IsReadyOnlyWhenEveryPartIs) {
    EXPECT_EQ(ask(a_request("GET", "/readyz", "")).status, 200);
    broker_is_up_ = false;
    const HttpResponse without_broker = ask(a_request("GET", "/readyz", ""));
    EXPECT_EQ(without_broker.status, 503);
    EXPECT_EQ(json::parse(without_broker.body).at("parts").at("broker").at("text"), "away");
    broker_is_up_ = true;
    script_.schema = 1;
    EXPECT_EQ(ask(a_request("GET", "/readyz", "")).status, 503);
    script_.schema = 2;
    script_.before_each = [] {
        throw db::Broken("no link", "", "");
    };
    EXPECT_EQ(ask(a_request("GET", "/readyz", "")).status, 503);
    EXPECT_EQ(ask(a_request("GET", "/healthz", "")).status, 200);
}

TEST_F(ListenerTest, TellsTheClientNothingOfTheDatabase) {
    const auto throwing = [this](std::function<void()> fault) {
        script_.before_each = [this, fault] {
            if (script_.last != "find_token") fault();
        };
        return ask(a_request("GET", "/api/v1/sagas"));
    };
    const std::string secret = "key (token_hash)=(abc)";
    EXPECT_EQ(throwing([&] { throw db::BadData("22P02", "22P02", secret); }).status, 400);
    EXPECT_EQ(throwing([&] { throw db::Broken("gone", "", secret); }).status, 503);
    EXPECT_EQ(throwing([&] { throw db::Retryable("busy", "40001", secret); }).status, 503);
    const HttpResponse bug = throwing([&] { throw db::Misuse("column does not exist", "42703", secret); });
    EXPECT_EQ(bug.status, 500);
    EXPECT_EQ(bug.body.find("column"), std::string::npos);
    EXPECT_EQ(bug.body.find(secret), std::string::npos);
}

TEST_F(ListenerTest, DrawsTheDiagramWithTheLiveState) {
    const json diagram = json::parse(ask(a_request("GET", "/api/v1/sagas/" + known_saga + "/diagram")).body);
    const std::string text = diagram.at("mermaid");
    EXPECT_NE(text.find("[*] --> Received"), std::string::npos);
    EXPECT_NE(text.find("class OnHold live"), std::string::npos);
}

}  // namespace
}  // namespace ordersaga::api
