#include "orchestrator/orders/arrivals.hpp"
#include "tests/unit/api/listener_fixture.hpp"

#include <any>

namespace ordersaga::api {
namespace {

std::string saga_path(const std::string& verb) {
    return "/sagas/" + known_saga + "/" + verb;
}

TEST_F(ListenerTest, TellsTheSagaWhatTheOperatorWants) {
    const std::map<std::string, std::string> events{
        {"retry", "OperatorRetried"},      {"hold", "HoldPlaced"},
        {"release", "HoldReleased"},       {"cancel", "CancelRequested"},
        {"compensate", "CancelRequested"},
    };
    for (const auto& [verb, event] : events) {
        HttpRequest request = a_command(saga_path(verb), {{"reason", "customer called"}});
        request.headers.emplace_back("If-Match", "\"7\"");
        request.headers.emplace_back("Idempotency-Key", "k-" + verb);

        const HttpResponse response = ask(request);

        ASSERT_EQ(response.status, 200) << response.body;
        const auto& told = std::get<engine::SagaTold>(engine_.offered.back());
        EXPECT_EQ(told.saga.saga_id, known_saga);
        EXPECT_EQ(told.saga.merchant.value, 1);
        EXPECT_EQ(told.event.name, event);
        EXPECT_EQ(told.event.cause, "operator operator: customer called");
        EXPECT_EQ(told.expected_version, 7);
        ASSERT_TRUE(told.audit);
        EXPECT_EQ(told.audit->actor, "operator");
        EXPECT_EQ(told.audit->action, "saga " + verb);
        EXPECT_EQ(told.audit->reason, "customer called");
        EXPECT_EQ(told.audit->details.at("idempotency_key"), "k-" + verb);
        if (event == "CancelRequested") {
            EXPECT_EQ(told.event.payload.at("by"), "operator");
        }
    }
}

TEST_F(ListenerTest, AnswersCommandsByWhatBecameOfThem) {
    const HttpRequest request = a_command(saga_path("cancel"), {{"reason", "r"}});
    HttpRequest versioned = request;
    versioned.headers.emplace_back("If-Match", "\"7\"");
    const std::vector<std::tuple<InputResult::Kind, int, int>> table{
        {InputResult::Kind::applied, 200, 200}, {InputResult::Kind::duplicate, 200, 200},
        {InputResult::Kind::ignored, 409, 409}, {InputResult::Kind::refused, 409, 412},
        {InputResult::Kind::parked, 409, 409},  {InputResult::Kind::unavailable, 503, 503},
    };
    for (const auto& [kind, status, versioned_status] : table) {
        engine_.result->kind = kind;
        EXPECT_EQ(ask(request).status, status);
        EXPECT_EQ(ask(versioned).status, versioned_status);
    }
    engine_.result.reset();
    EXPECT_EQ(ask(request).status, 503);
    engine_.full = true;
    EXPECT_EQ(ask(request).status, 503);
}

TEST_F(ListenerTest, RefusesCommandsThatAreNotWellFormed) {
    const std::vector<std::string> bodies{
        "",
        "{",
        "[]",
        "null",
        "{}",
        R"({"reason":""})",
        R"({"reason":"  "})",
        R"({"reason":7})",
        R"({"reason":null})",
        R"({"reason":"r","state":"Completed"})",
        R"({"reason":"r","merchant_id":"2"})",
        R"({"reason":"a\nb"})",
        R"({"reason":"r","reason":"s"})",
        R"({"reason":"r","dry_run":true})",
        std::string(R"({"reason":")") + std::string(501, 'x') + "\"}",
        R"({"reason":{"a":{"b":{"c":{"d":1}}}}})",
    };
    for (const std::string& body : bodies) {
        HttpRequest request = a_command(saga_path("cancel"), {});
        request.body = body;
        EXPECT_EQ(ask(request).status, 400) << body;
    }
    for (const std::string version : {"", "x", "\"x\"", "-1", "W/\"7\"", "7.0", "99999999999999999999"}) {
        HttpRequest request = a_command(saga_path("cancel"), {{"reason", "r"}});
        request.headers.emplace_back("If-Match", version);
        EXPECT_EQ(ask(request).status, 400) << version;
    }
    HttpRequest form = a_command(saga_path("cancel"), {{"reason", "r"}});
    form.headers.back().second = "application/x-www-form-urlencoded";
    EXPECT_EQ(ask(form).status, 415);
    HttpRequest query = a_command(saga_path("cancel") + "?force=true", {{"reason", "r"}});
    EXPECT_EQ(ask(query).status, 400);
    EXPECT_TRUE(engine_.offered.empty());
}

TEST_F(ListenerTest, RefusesACommandForAnOlderVersion) {
    HttpRequest request = a_command(saga_path("cancel"), {{"reason", "r"}});
    request.headers.emplace_back("If-Match", "\"6\"");
    EXPECT_EQ(ask(request).status, 412);
    EXPECT_TRUE(engine_.offered.empty());
}

TEST_F(ListenerTest, AnswersARepeatedKeyAsTheFirstTime) {
    for (const std::string& target : {saga_path("cancel"), std::string("/parked/5/dismiss")}) {
        HttpRequest request = a_command(target, {{"reason", "r"}});
        request.headers.emplace_back("Idempotency-Key", "k" + target);
        const HttpResponse first = ask(request);
        ASSERT_EQ(first.status, 200);
        engine_.result->kind = InputResult::Kind::ignored;
        script_.dismissed = false;

        const HttpResponse again = ask(request);

        EXPECT_EQ(again.status, 200);
        EXPECT_EQ(again.body, first.body);
        EXPECT_EQ(*runtime::find_header(again.headers, "idempotency-replayed"), "true");
        const std::string* etag = runtime::find_header(first.headers, "etag");
        if (etag != nullptr) {
            EXPECT_EQ(*runtime::find_header(again.headers, "etag"), *etag);
        }
        HttpRequest other = a_command(target, {{"reason", "another"}});
        other.headers.emplace_back("Idempotency-Key", "k" + target);
        EXPECT_EQ(ask(other).status, 422);
        // The same key of somebody else is another key.
        HttpRequest of_admin = a_command(target, {{"reason", "another"}}, "admin");
        of_admin.headers.emplace_back("Idempotency-Key", "k" + target);
        EXPECT_NE(ask(of_admin).status, 422);
        engine_.result->kind = InputResult::Kind::applied;
        script_.dismissed = true;
    }
}

TEST_F(ListenerTest, KeepsRefusalsToo) {
    HttpRequest request = a_command(saga_path("cancel"), {{"reason", "r"}});
    request.headers.emplace_back("Idempotency-Key", "k");
    engine_.result->kind = InputResult::Kind::ignored;
    const HttpResponse refusal = ask(request);
    engine_.result->kind = InputResult::Kind::applied;
    const HttpResponse again = ask(request);
    EXPECT_EQ(refusal.status, 409);
    EXPECT_EQ(again.status, 409);
    EXPECT_EQ(again.body, refusal.body);
    EXPECT_EQ(again.content_type, "application/problem+json");
}

TEST_F(ListenerTest, RefusesAKeyWhoseCommandIsUnderWay) {
    HttpRequest request = a_command(saga_path("cancel"), {{"reason", "r"}});
    request.headers.emplace_back("Idempotency-Key", "k");
    // Its outcome is not seen in time: nobody may do it again meanwhile.
    engine_.result.reset();
    EXPECT_EQ(ask(request).status, 503);
    EXPECT_EQ(ask(request).status, 409);
    EXPECT_EQ(engine_.offered.size(), 1U);
}

TEST_F(ListenerTest, GivesTheKeyOfWhatWasNotDoneBack) {
    HttpRequest request = a_command(saga_path("cancel"), {{"reason", "r"}});
    request.headers.emplace_back("Idempotency-Key", "k");
    engine_.full = true;
    EXPECT_EQ(ask(request).status, 503);
    engine_.full = false;
    EXPECT_EQ(ask(request).status, 200);
}

// The claim of an earlier attempt has lapsed, its answer was never kept, but the audit knows what it did.
TEST_F(ListenerTest, RecognisesWhatWasDoneWithoutAnAnswer) {
    HttpRequest request = a_command(saga_path("cancel"), {{"reason", "r"}});
    request.headers.emplace_back("Idempotency-Key", "k");
    ASSERT_EQ(ask(request).status, 200);
    const auto& told = std::get<engine::SagaTold>(engine_.offered.back());
    script_.earlier = EarlierCommand{told.audit->details.at("fingerprint"), known_saga};
    script_.claims.clear();

    const HttpResponse again = ask(request);

    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(json::parse(again.body).at("result"), "duplicate");
    EXPECT_EQ(engine_.offered.size(), 1U);
}

TEST_F(ListenerTest, OnlyTellsWhatACompensationWouldDo) {
    const HttpResponse response = ask(a_command(saga_path("compensate"), {{"reason", "r"}, {"dry_run", true}}));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(engine_.previewed.size(), 1U);
    EXPECT_TRUE(engine_.offered.empty());

    HttpRequest keyed = a_command(saga_path("compensate"), {{"reason", "r"}, {"dry_run", true}});
    keyed.headers.emplace_back("Idempotency-Key", "k");
    EXPECT_EQ(ask(keyed).status, 200);
    EXPECT_TRUE(script_.claims.empty()) << "a preview may hold an address and is not kept";

    engine_.preview = runtime::invalid("unknown saga");
    EXPECT_EQ(ask(a_command(saga_path("compensate"), {{"reason", "r"}, {"dry_run", true}})).status, 409);
}

TEST_F(ListenerTest, HandsAStockAdjustmentToTheEngine) {
    const json body = {{"warehouse", "main"}, {"difference", -2}, {"expected_version", 9}, {"reason", "damaged"}};
    HttpRequest request = a_command("/stock/A%2FB/adjust", body);
    request.headers.emplace_back("Idempotency-Key", "count-5");

    ASSERT_EQ(ask(request).status, 200);

    const auto& arrival = std::get<engine::Arrival>(engine_.offered.back());
    const auto adjustment = std::any_cast<orders::StockAdjustment>(arrival.content);
    EXPECT_EQ(adjustment.key.sku_id.value, 4);
    EXPECT_EQ(adjustment.key.warehouse_id.value, 2);
    EXPECT_EQ(adjustment.difference, -2);
    EXPECT_EQ(adjustment.expected_version, 9);
    EXPECT_TRUE(adjustment.adjustment_id.starts_with("key."));
    EXPECT_EQ(adjustment.actor, "operator");

    script_.adjusted = -2;
    script_.claims.clear();
    EXPECT_EQ(json::parse(ask(request).body).at("result"), "duplicate");
    script_.adjusted = -3;
    script_.claims.clear();
    EXPECT_EQ(ask(request).status, 422);
    EXPECT_EQ(engine_.offered.size(), 1U);
}

TEST_F(ListenerTest, TakesTheLedgersVersionAsIfMatch) {
    const json body = {{"warehouse", "main"}, {"difference", -2}, {"reason", "damaged"}};
    EXPECT_EQ(ask(a_command("/stock/A/adjust", body)).status, 400);
    HttpRequest request = a_command("/stock/A/adjust", body);
    request.headers.emplace_back("If-Match", "\"9\"");
    EXPECT_EQ(ask(request).status, 200);
    const auto& arrival = std::get<engine::Arrival>(engine_.offered.back());
    EXPECT_EQ(std::any_cast<orders::StockAdjustment>(arrival.content).expected_version, 9);
    engine_.result->kind = InputResult::Kind::refused;
    EXPECT_EQ(ask(request).status, 412);
    request.body = R"({"warehouse":"main","difference":-2,"reason":"r","expected_version":8})";
    EXPECT_EQ(ask(request).status, 400);
}

TEST_F(ListenerTest, RefusesAdjustmentsThatMakeNoSense) {
    const json good = {{"warehouse", "main"}, {"difference", 1}, {"expected_version", 9}, {"reason", "r"}};
    for (const auto& [member, value] : std::vector<std::pair<std::string, json>>{
             {"difference", 0},
             {"difference", 1.5},
             {"difference", "1"},
             {"difference", 2'000'000'000},
             {"expected_version", -1},
             {"warehouse", ""},
             {"warehouse", nullptr},
             {"reason", ""},
             {"available", 5}}) {
        json body = good;
        body[member] = value;
        EXPECT_EQ(ask(a_command("/stock/SHIRT/adjust", body)).status, 400) << body;
    }
    engine_.result->kind = InputResult::Kind::refused;
    EXPECT_EQ(ask(a_command("/stock/SHIRT/adjust", good)).status, 409);
    script_.ledger.reset();
    EXPECT_EQ(ask(a_command("/stock/SHIRT/adjust", good)).status, 404);
}

TEST_F(ListenerTest, GivesAParkedWebhookToTheEngineAgain) {
    EXPECT_EQ(ask(a_command("/parked/webhook-1/retry", {{"reason", "mended"}})).status, 200);
    EXPECT_EQ(script_.last, "settle retry");
    const auto& arrival = std::get<engine::Arrival>(engine_.offered.back());
    const auto delivery = std::any_cast<orders::Delivery>(arrival.content);
    EXPECT_EQ(delivery.receipt.order_id, "5");
    EXPECT_TRUE(delivery.receipt.webhook_id.starts_with("w-1.again."));
    EXPECT_EQ(delivery.receipt.event_id, "");
}

TEST_F(ListenerTest, KeepsAWebhookParkedThatStillMakesNoSense) {
    script_.parked->topic = "shop/redact";
    script_.parked->body = R"({"shop_domain":"us.myshopify.com"})";
    EXPECT_EQ(ask(a_command("/parked/webhook-1/retry", {{"reason", "r"}})).status, 409);
    script_.parked->body = "{";
    EXPECT_EQ(ask(a_command("/parked/webhook-1/retry", {{"reason", "r"}})).status, 409);
    EXPECT_TRUE(engine_.offered.empty());
    script_.parked.reset();
    EXPECT_EQ(ask(a_command("/parked/webhook-1/retry", {{"reason", "r"}})).status, 404);
    EXPECT_EQ(ask(a_command("/parked/item-1/retry", {{"reason", "r"}})).status, 409);
    EXPECT_NE(script_.last, "settle retry");
}

TEST_F(ListenerTest, DismissesAParkedItemOnce) {
    EXPECT_EQ(ask(a_command("/parked/5/dismiss", {{"reason", "seen"}})).status, 200);
    script_.dismissed = false;
    EXPECT_EQ(ask(a_command("/parked/5/dismiss", {{"reason", "seen"}})).status, 404);
}

TEST_F(ListenerTest, TellsTheEngineOfAStoreAndAListing) {
    ASSERT_EQ(ask(a_command("/stores/eu/activate", {{"reason", "installed again"}})).status, 200);
    const auto followed =
        std::any_cast<orders::StoreSwitched>(std::get<engine::Arrival>(engine_.offered.back()).content);
    EXPECT_EQ(followed.store_id.value, 3);
    EXPECT_TRUE(followed.follow);
    EXPECT_EQ(followed.audit.action, "store activate");
    EXPECT_EQ(followed.audit.subject, "eu");
    EXPECT_EQ(followed.audit.reason, "installed again");
    ASSERT_EQ(ask(a_command("/stores/eu/deactivate", {{"reason", "r"}})).status, 200);
    EXPECT_FALSE(
        std::any_cast<orders::StoreSwitched>(std::get<engine::Arrival>(engine_.offered.back()).content).follow);

    ASSERT_EQ(ask(a_command("/stores/eu/mode", {{"mode", "live"}, {"reason", "r"}})).status, 200);
    const auto mode = std::any_cast<orders::StoreModeSet>(std::get<engine::Arrival>(engine_.offered.back()).content);
    EXPECT_TRUE(mode.live);
    EXPECT_EQ(mode.store_id.value, 3);
    EXPECT_EQ(mode.audit.action, "store mode");
    EXPECT_EQ(mode.audit.details.at("mode"), "live");
    EXPECT_EQ(ask(a_command("/stores/eu/mode", {{"mode", "maybe"}, {"reason", "r"}})).status, 400);
    EXPECT_EQ(ask(a_command("/stores/eu/mode", {{"reason", "r"}})).status, 400);

    ASSERT_EQ(ask(a_command("/listings/17/unpark", {{"reason", "mended"}})).status, 200);
    const auto listing =
        std::any_cast<orders::ListingTakenBack>(std::get<engine::Arrival>(engine_.offered.back()).content);
    EXPECT_EQ(listing.listing_id.value, 17);
    EXPECT_EQ(listing.store_id.value, 3);

    engine_.result = InputResult{InputResult::Kind::refused, "the listing is not parked", "", "", 0};
    EXPECT_EQ(ask(a_command("/listings/17/unpark", {{"reason", "mended"}})).status, 409);
    script_.store.reset();
    EXPECT_EQ(ask(a_command("/listings/17/unpark", {{"reason", "r"}})).status, 404);
    EXPECT_EQ(ask(a_command("/stores/eu/activate", {{"reason", "r"}})).status, 404);
}

TEST_F(ListenerTest, ClosesAnIncidentOfNothingOrOfAnOrderThatIsOver) {
    HttpRequest request = a_command("/incidents/8/close", {{"reason", "looked after"}});
    request.headers.emplace_back("Idempotency-Key", "close-8");
    ASSERT_EQ(ask(request).status, 200);
    const auto closed = std::get<engine::IncidentLookedAfter>(engine_.offered.back());
    EXPECT_EQ(closed.incident_key, "flush:x");
    EXPECT_EQ(closed.saga_id, "");
    EXPECT_EQ(closed.audit.action, "incident close");
    EXPECT_EQ(closed.audit.details.at("idempotency_key"), "close-8");

    script_.earlier = EarlierCommand{closed.audit.details.at("fingerprint"), "flush:x"};
    script_.claims.clear();
    script_.incident["closed_at"] = "2026-07-01T00:00:00Z";
    EXPECT_EQ(json::parse(ask(request).body).at("result"), "duplicate");
    EXPECT_EQ(ask(a_command("/incidents/8/close", {{"reason", "again"}})).status, 409);

    script_.incident = {
        {"incident_key", "saga:" + known_saga},
        {"saga_id", known_saga},
        {"saga_state", "NeedsOperator"},
        {"saga_final", false},
        {"closed_at", nullptr}};
    const HttpResponse refused = ask(a_command("/incidents/8/close", {{"reason", "r"}}));
    EXPECT_EQ(refused.status, 409);
    EXPECT_NE(refused.body.find("retry, cancel or compensate"), std::string::npos);
    EXPECT_EQ(engine_.offered.size(), 1U);
    script_.incident["saga_final"] = true;
    EXPECT_EQ(ask(a_command("/incidents/8/close", {{"reason", "r"}})).status, 200);
    EXPECT_EQ(std::get<engine::IncidentLookedAfter>(engine_.offered.back()).saga_id, known_saga);
    script_.incident = nullptr;
    EXPECT_EQ(ask(a_command("/incidents/8/close", {{"reason", "r"}})).status, 404);
}

TEST_F(ListenerTest, ShowsWhatWasParkedToAnAdminOnly) {
    EXPECT_EQ(ask(a_request("GET", "/api/v1/parked/5", "reader")).status, 200);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/parked/5?data=true", "operator")).status, 403);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/parked/5?data=true", "admin")).status, 200);
    EXPECT_EQ(script_.last, "parked item with input");
}

}  // namespace
}  // namespace ordersaga::api
