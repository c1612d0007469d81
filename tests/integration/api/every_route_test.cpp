// Every route of the table, for everybody who may ask, about what belongs to somebody else: 401, 403 or 404, and never data.
#include "db/people.hpp"
#include "orchestrator/api/cursor.hpp"
#include "orchestrator/api/gate.hpp"
#include "orchestrator/api/private_listener.hpp"
#include "orchestrator/api/routes.hpp"
#include "runtime/password.hpp"
#include "runtime/url.hpp"
#include "tests/integration/api/two_merchants.hpp"
#include "tests/support/orchestrator/orchestrator_in_process.hpp"

#include <gtest/gtest.h>

namespace ordersaga::test {
namespace {

using api::MerchantId;
using api::Role;
using api::Route;
using nlohmann::json;

const std::map<Role, std::string> role_names{
    {Role::read, "read"},
    {Role::operator_, "operator"},
    {Role::admin, "admin"}};

using Names = std::map<std::string, std::string>;  // what stands for each {name} of a path

class EveryRoute : public testing::Test {
protected:
    EveryRoute() {
        for (const auto& [role, name] : role_names) {
            db::create_token(
                world_.session, {"First", "t", name, runtime::sha256_hex("token-" + name), {}}, "test", "test");
            db::create_operator(world_.session, {"First", "person-" + name, name, "$scrypt$"}, "test", "test");
            queries_->open_session(
                queries_->begin_sign_in("person-" + name), "person-" + name, runtime::sha256_hex(session_of(role)));
        }
        add_canary();
        InProcessOptions options;
        options.engine_dsn = world_.database.dsns().engine;
        options.api_dsn = world_.database.dsns().api;
        options.orders = unhurried_orders();
        options.saga = unhurried_saga();
        orchestrator_ = std::make_unique<OrchestratorInProcess>(std::move(options));
    }

    // A third merchant whose every name holds the word that must never be seen.
    void add_canary() {
        db::SetupPlan plan = plan_of("CANARY", "canary.myshopify.com");
        plan.warehouses[0].key = plan.stores[0].warehouse = "canary-house";
        plan.stores[0].key = "canary-store";
        plan.skus = {{"CANARY-SKU", "CANARY", "w", "deny", "trust-mirror", 0, 0, false}};
        plan.bundles.clear();
        plan.listings = {{"canary-store", "CANARY-SKU", "1", "11", "1001"}};
        plan.opening_stock = {{"CANARY-SKU", "canary-house", 5}};
        canary_ = db::apply_setup(world_.session, plan, "test", "CANARY", false).merchant_id;
        const std::string saga = world_.add_saga(canary_, 4711, "NeedsOperator", "CANARY-SKU");
        world_.session.transact([&](db::Transaction& transaction) {
            transaction.execute("UPDATE sagas SET subject = 'CANARY' WHERE merchant_id = $1::bigint", {canary_});
            transaction.execute(
                "INSERT INTO incidents (merchant_id, incident_key, saga_id, cause, text, opened_at, updated_at) VALUES "
                "($1::bigint, 'CANARY', $2::uuid, 'CANARY', 'CANARY', now(), now())",
                {canary_, saga});
            transaction.execute(
                "INSERT INTO webhook_receipts (merchant_id, store_id, source, topic, webhook_id, received_at, body, "
                "status, reason) SELECT merchant_id, store_id, 'shopify', 'orders/create', 'CANARY', now(), '{', "
                "'parked', 'CANARY' FROM stores WHERE merchant_id = $1::bigint",
                {canary_});
            transaction.execute(
                "INSERT INTO lanes (merchant_id, lane, tokens, capacity, per_second, refilled_at, not_before, "
                "\"window\") VALUES ($1::bigint, 'CANARY', 1, 2, 3, now(), now(), 8)",
                {canary_});
        });
        const MerchantId merchant{canary_};
        const auto only = [](const json& page) {
            return page.at("items").at(0);
        };
        foreign_ = {
            {"id", saga},
            {"store", "canary-store"},
            {"order", "4711"},
            {"sku", "CANARY-SKU"},
            {"item", only(queries_->parked(merchant, {})).at("item_id")},
            {"incident", only(queries_->incidents(merchant, false, {})).at("incident_id")},
            {"listing", only(queries_->listings(merchant, "", "", false, {})).at("listing_id")}};
        const std::string own_saga = world_.add_saga(world_.first, 17, "OnHold");
        own_ = {{"id", own_saga}, {"store", "eu"}, {"order", "17"}, {"sku", "SHIRT"}};
        missing_ = {{"id", "0190a000-0000-7000-8000-00000000ffff"},
                    {"store", "no-store"},
                    {"order", "99999"},
                    {"sku", "NO-SKU"},
                    {"item", "webhook-00000000000000000000000000000000"},
                    {"incident", "999999"},
                    {"listing", "999999"}};
    }

    static std::string session_of(Role role) { return std::string(63, 'a') + std::to_string(static_cast<int>(role)); }

    static runtime::HttpHeaders by_token(Role role) {
        return {{"Authorization", "Bearer token-" + role_names.at(role)}};
    }
    static runtime::HttpHeaders by_session(Role role) { return {{"Cookie", "ordersaga_session=" + session_of(role)}}; }
    static runtime::HttpHeaders by_session_of_our_page(Role role) {
        runtime::HttpHeaders headers = by_session(role);
        headers.emplace_back("X-CSRF-Token", api::csrf_token_of(session_of(role)));
        return headers;
    }

    static std::string target_of(const Route& route, const Names& names) {
        std::string target = "/api/v1" + std::string(route.path);
        for (std::size_t begin = target.find('{'); begin != std::string::npos; begin = target.find('{')) {
            const std::size_t end = target.find('}');
            const auto name = names.find(target.substr(begin + 1, end - begin - 1));
            target.replace(begin, end - begin + 1, name == names.end() ? "1" : name->second);
        }
        return target;
    }
    static bool names_something(const Route& route) { return route.path.find('{') != std::string_view::npos; }

    runtime::HttpOutcome ask(const Route& route, const std::string& target, runtime::HttpHeaders headers) {
        std::string body;
        if (route.method == "POST") {
            headers.emplace_back("Content-Type", "application/json");
            body = route.operation == api::Operation::adjust_stock
                       ? R"({"reason":"r","warehouse":"canary-house","difference":1,"expected_version":1})"
                       : R"({"reason":"r"})";
        }
        return orchestrator_->call_private(std::string(route.method), target, std::move(headers), std::move(body));
    }

    void expect_no_data(const Route& route, const runtime::HttpOutcome& answer, int expected, const std::string& who) {
        EXPECT_EQ(answer.status, expected) << route.method << " " << route.path << " by " << who << ": " << answer.body;
        EXPECT_EQ(answer.body.find("CANARY"), std::string::npos) << route.path << " by " << who;
        EXPECT_EQ(answer.body.find("canary"), std::string::npos) << route.path << " by " << who;
    }

    TwoMerchants world_;
    std::unique_ptr<api::Queries> queries_ =
        db::make_api_queries(world_.database.dsns().api, world_.database.dsns().engine, test_keys());
    std::int64_t canary_ = 0;
    Names foreign_, own_, missing_;
    std::unique_ptr<OrchestratorInProcess> orchestrator_;
};

TEST_F(EveryRoute, TellsNothingOfAnotherMerchantToAnyRole) {
    for (const Route& route : api::routes) {
        const std::string target = target_of(route, foreign_);
        expect_no_data(route, ask(route, target, {}), 401, "nobody");
        for (const auto& [role, name] : role_names) {
            const int expected = role < route.role ? 403 : names_something(route) ? 404 : 200;
            // A stream has no end that could be awaited here: live_views_test.cpp reads what it tells to whom.
            if (expected != 200 || route.operation != api::Operation::watch_live) {
                expect_no_data(route, ask(route, target, by_token(role)), expected, "the token of " + name);
                expect_no_data(
                    route, ask(route, target, by_session_of_our_page(role)), expected, "the session of " + name);
            }
            const int by_name = role < route.role ? 403 : 404;
            expect_no_data(route, ask(route, target + "?merchant=CANARY", by_token(role)), by_name, name);
        }
    }
    const std::string changed = "SELECT count(*)::text FROM audit WHERE actor <> 'test' AND action NOT LIKE 'sign%'";
    world_.session.transact(
        [&](db::Transaction& transaction) { EXPECT_EQ(transaction.query(changed).text(0, 0), "0"); });
}

TEST_F(EveryRoute, SaysTheSameOfWhatIsForeignAndWhatIsNotThere) {
    for (const Route& route : api::routes) {
        if (!names_something(route)) continue;
        const runtime::HttpOutcome foreign = ask(route, target_of(route, foreign_), by_token(Role::admin));
        const runtime::HttpOutcome missing = ask(route, target_of(route, missing_), by_token(Role::admin));
        EXPECT_EQ(foreign.status, missing.status) << route.path;
        EXPECT_EQ(foreign.body, missing.body) << route.path;
    }
}

TEST_F(EveryRoute, ThatChangesSomethingRefusesASessionWithoutItsCsrfToken) {
    for (const Route& route : api::routes) {
        if (route.method == "GET") continue;
        expect_no_data(
            route, ask(route, target_of(route, foreign_), by_session(Role::admin)), 403, "a page of another site");
    }
}

// Whoever is not known is told nothing, and after ten guesses not even that he guessed wrong.
TEST_F(EveryRoute, LetsNobodyInWithoutALiveCredential) {
    db::create_token(
        world_.session, {"First", "past", "admin", runtime::sha256_hex("token-past"), db::Instant{}}, "test", "test");
    db::create_token(world_.session, {"First", "gone", "admin", runtime::sha256_hex("token-gone"), {}}, "test", "test");
    ASSERT_EQ(db::revoke_token(world_.session, "gone", "test", "test"), 1U);
    int limited = 0;
    for (const Route& route : api::routes) {
        const std::string target = target_of(route, foreign_);
        for (const auto& [who, headers] : std::map<std::string, runtime::HttpHeaders>{
                 {"a made-up token", {{"Authorization", "Bearer token-made-up"}}},
                 {"an expired token", {{"Authorization", "Bearer token-past"}}},
                 {"a revoked token", {{"Authorization", "Bearer token-gone"}}}}) {
            const runtime::HttpOutcome answer = ask(route, target, headers);
            const bool too_many = answer.status == 429;
            limited += too_many ? 1 : 0;
            expect_no_data(route, answer, too_many ? 429 : 401, who);
        }
        for (const auto& [who, headers] : std::map<std::string, runtime::HttpHeaders>{
                 {"the wrong scheme", {{"Authorization", "bearer token-admin"}}},
                 {"two tokens", {{"Authorization", "Bearer token-admin"}, {"Authorization", "Bearer token-read"}}},
                 {"the hash", {{"Authorization", "Basic " + runtime::sha256_hex("token-admin")}}},
                 {"a made-up session", {{"Cookie", "ordersaga_session=" + std::string(64, 'b')}}},
                 {"the session's hash",
                  {{"Cookie", "ordersaga_session=" + runtime::sha256_hex(session_of(Role::admin))}}}})
            expect_no_data(route, ask(route, target, headers), 401, who);
        expect_no_data(route, ask(route, target + "?access_token=token-admin", {}), 401, "a token in the URL");
    }
    EXPECT_GT(limited, 0);
}

// The seal of a cursor is no secret: what stands under it may be anything.
TEST_F(EveryRoute, TakesCursorsMadeUpByAnEnemy) {
    const std::vector<std::string> places{
        "_",
        "x",
        "-1",
        "9223372036854775808",
        "1_",
        "_1",
        "1_9223372036854775808",
        "infinity_x",
        "NaN_NaN",
        "294277-01-01_0190a000-0000-7000-8000-000000000001",
        "1'; DROP TABLE sagas; --",
        "%",
        "\xc3\x28",
        "2026-01-01_" + foreign_.at("id"),
        std::string(150, '9')};
    for (const std::string& place : places) {
        // A token each: all of this at once is more than one may ask.
        const std::string token = runtime::sha256_hex(place);
        db::create_token(world_.session, {"First", "t", "admin", runtime::sha256_hex(token), {}}, "test", "test");
        for (const Route& route : api::routes) {
            if (route.method != "GET") continue;
            const std::string target = target_of(route, own_) + "?after=" + api::seal_cursor(route.path, place);
            const runtime::HttpOutcome answer = ask(route, target, {{"Authorization", "Bearer " + token}});
            EXPECT_TRUE(answer.status == 200 || answer.status == 400) << target << ": " << answer.status << answer.body;
            expect_no_data(route, answer, answer.status, "a cursor of " + place);
        }
    }
}

// In every place of a path and every parameter of every read: nothing but a value, whatever it looks like.
TEST_F(EveryRoute, TakesTextMadeUpByAnEnemy) {
    const json document = json::parse(api::openapi_document());
    const std::vector<std::string> texts{
        "'",
        "x' OR '1'='1",
        "x'; DROP TABLE sagas; --",
        "%",
        "1 UNION SELECT token_hash FROM tokens",
        "\\",
        "../../etc/passwd",
        "\xc3\x28",
        "${jndi:ldap://x}{{7*7}}<script>"};
    for (const std::string& text : texts) {
        // A token each: all of this at once is more than one may ask.
        const std::string token = runtime::sha256_hex(text);
        db::create_token(world_.session, {"First", "t", "admin", runtime::sha256_hex(token), {}}, "test", "test");
        const auto expect_a_plain_answer = [&](const Route& route, const std::string& target) {
            // This address asks more than one may, and is told so until it may again.
            runtime::HttpOutcome answer;
            do
                answer = ask(route, target, {{"Authorization", "Bearer " + token}});
            while (answer.status == 429);
            EXPECT_TRUE(answer.status == 200 || answer.status == 400 || answer.status == 404)
                << target << ": " << answer.status << answer.body << answer.error;
            expect_no_data(route, answer, answer.status, text);
        };
        const std::string written = runtime::percent_encode(text);
        for (const Route& route : api::routes) {
            if (names_something(route)) {
                Names names = own_;
                for (auto& [name, value] : missing_)
                    names[name] = written;
                expect_a_plain_answer(route, target_of(route, names));
            }
            if (route.method != "GET" || route.operation == api::Operation::watch_live) continue;
            for (json parameter : document.at("paths").at(std::string(route.path)).at("get").at("parameters")) {
                if (parameter.contains("$ref"))
                    parameter = document.at(json::json_pointer(parameter.at("$ref").get<std::string>().substr(1)));
                if (parameter.at("in") != "query") continue;
                const std::string name = parameter.at("name");
                expect_a_plain_answer(route, target_of(route, own_) + "?" + name + "=" + written);
            }
        }
    }
    world_.session.transact([&](db::Transaction& transaction) {
        EXPECT_EQ(transaction.query("SELECT count(*) FROM sagas").int64(0, 0), 2);
        EXPECT_EQ(transaction.query("SELECT count(*) FROM audit WHERE action LIKE 'saga%'").int64(0, 0), 0);
    });
}

TEST_F(EveryRoute, OpenToAllTellsNothingOfAnyMerchant) {
    for (const api::OpenRoute& route : api::open_routes) {
        const runtime::HttpOutcome answer =
            orchestrator_->call_private(std::string(route.method), std::string(route.path), {}, "");
        EXPECT_LT(answer.status, 500) << route.path;
        for (const char* word : {"CANARY", "canary", "First"})
            EXPECT_EQ(answer.body.find(word), std::string::npos) << route.path << " tells " << word;
    }
}

}  // namespace
}  // namespace ordersaga::test
