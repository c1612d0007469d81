#include "db/api_queries.hpp"

#include "tests/integration/api/two_merchants.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace ordersaga::test {
namespace {

using api::MerchantId;
using api::Page;
using nlohmann::json;

class ApiQueriesTest : public testing::Test {
protected:
    std::vector<std::string> all_sagas(const api::SagaFilter& filter, int limit) {
        std::vector<std::string> ids;
        Page page{limit, ""};
        for (int pages = 0; pages < 100; ++pages) {
            const json answer = queries_->sagas(mine_, filter, page);
            EXPECT_LE(answer.at("items").size(), static_cast<std::size_t>(limit));
            for (const json& item : answer.at("items"))
                ids.push_back(item.at("saga_id"));
            if (answer.at("next").is_null()) return ids;
            page.after = answer.at("next");
        }
        ADD_FAILURE() << "the pages never end";
        return ids;
    }

    TwoMerchants world_;
    std::unique_ptr<api::Queries> queries_ =
        db::make_api_queries(world_.database.dsns().api, world_.database.dsns().engine, test_keys());
    const MerchantId mine_{world_.first};
    const MerchantId other_{world_.second};
};

TEST_F(ApiQueriesTest, PagesThroughAllSagasNewestFirst) {
    std::vector<std::string> expected;
    for (int number = 1; number <= 7; ++number)
        expected.insert(expected.begin(), world_.add_saga(world_.first, number, "Reserved"));
    world_.add_saga(world_.second, 1, "Reserved");
    for (const int limit : {1, 2, 3, 7, 200})
        EXPECT_EQ(all_sagas({}, limit), expected) << limit;
}

TEST_F(ApiQueriesTest, FiltersSagas) {
    const std::string held = world_.add_saga(world_.first, 1, "OnHold");
    const std::string stuck = world_.add_saga(world_.first, 30, "NeedsOperator", "HAT");
    const auto only = [&](const api::SagaFilter& filter) {
        return all_sagas(filter, 50);
    };
    using Ids = std::vector<std::string>;
    EXPECT_EQ(only({.state = "OnHold"}), Ids{held});
    EXPECT_EQ(only({.sku = "HAT"}), Ids{stuck});
    EXPECT_EQ(only({.sku = "%"}), Ids{});
    EXPECT_EQ(only({.store = "eu", .with_incident = true}), Ids{stuck});
    EXPECT_EQ(only({.store = "us"}), Ids{});
    EXPECT_EQ(only({.older_than = std::chrono::minutes(10)}), Ids{stuck});
    EXPECT_EQ(only({.state = "' OR 1=1 --"}), Ids{});
}

TEST_F(ApiQueriesTest, FindsSagasByWhatPeopleKnowOfAnOrder) {
    const std::string first = world_.add_saga(world_.first, 1, "OnHold");
    const std::string other = world_.add_saga(world_.first, 30, "Reserved");
    const auto found = [&](const std::string& text) {
        return all_sagas({.text = text}, 50);
    };
    using Ids = std::vector<std::string>;
    EXPECT_EQ(found("#30"), Ids{other});
    EXPECT_EQ(found("EU #3"), Ids{other}) << "as it is shown, whatever the case";
    EXPECT_EQ(found("us #3"), Ids{});
    EXPECT_EQ(found("3"), Ids{other}) << "the beginning of its name, without #";
    EXPECT_EQ(found("0"), (Ids{other, first})) << "of their ids, not the end of a name";
    EXPECT_EQ(found("30"), Ids{other}) << "its number in the store";
    EXPECT_EQ(found(first), Ids{first});
    EXPECT_EQ(found("0190a000"), (Ids{other, first})) << "the beginning of a saga's id";
    EXPECT_EQ(found("%"), Ids{});
    EXPECT_EQ(found("_"), Ids{});
}

TEST_F(ApiQueriesTest, FindsAnOrderByWhatItsNameAndLinesAreNow) {
    const std::string id = world_.add_saga(world_.first, 1, "OnHold");
    using Ids = std::vector<std::string>;
    EXPECT_EQ(all_sagas({.sku = "SHIRT"}, 50), Ids{id});
    world_.session.transact([&](db::Transaction& transaction) {
        transaction.execute(
            "UPDATE orders SET name = 'EU-77x', document = jsonb_set(document, '{lines}', '[{\"sku\": \"HAT\"}, "
            "{\"sku\": "
            "\"SET\"}, {\"sku\": \"HAT\"}]') WHERE saga_id = $1::uuid",
            {id});
    });
    EXPECT_EQ(all_sagas({.sku = "SHIRT"}, 50), Ids{});
    EXPECT_EQ(all_sagas({.sku = "HAT"}, 50), Ids{id});
    EXPECT_EQ(all_sagas({.sku = "SET", .text = "eu-7"}, 50), Ids{id});
    EXPECT_EQ(all_sagas({.text = "77X"}, 50), Ids{id}) << "from its first digit on";
    EXPECT_EQ(all_sagas({.text = "#1"}, 50), Ids{});
}

TEST_F(ApiQueriesTest, PagesThroughEveryFilterNewestFirst) {
    std::vector<std::string> expected;
    for (int number = 1; number <= 9; ++number)
        expected.insert(
            expected.begin(), world_.add_saga(world_.first, number, number % 2 == 0 ? "OnHold" : "NeedsOperator"));
    const std::vector<std::string> odd{expected[0], expected[2], expected[4], expected[6], expected[8]};
    for (const int limit : {1, 2, 4, 50}) {
        EXPECT_EQ(all_sagas({.sku = "SHIRT"}, limit), expected) << limit;
        EXPECT_EQ(all_sagas({.store = "eu"}, limit), expected) << limit;
        EXPECT_EQ(all_sagas({.only_open = true}, limit), expected) << limit;
        EXPECT_EQ(all_sagas({.store = "eu", .sku = "SHIRT", .only_open = true}, limit), expected) << limit;
        EXPECT_EQ(all_sagas({.store = "eu", .only_open = true}, limit), expected) << limit;
        EXPECT_EQ(all_sagas({.text = "0190a000"}, limit), expected) << limit;
        EXPECT_EQ(all_sagas({.state = "NeedsOperator"}, limit), odd) << limit;
        EXPECT_EQ(all_sagas({.state = "NeedsOperator", .sku = "SHIRT", .only_open = true}, limit), odd) << limit;
        EXPECT_EQ(all_sagas({.store = "eu", .with_incident = true}, limit), odd) << limit;
    }
    EXPECT_EQ(all_sagas({.store = "none"}, 50), std::vector<std::string>{});
}

TEST_F(ApiQueriesTest, ListsOnlyOpenSagasWhenAsked) {
    const std::string open = world_.add_saga(world_.first, 1, "Reserved");
    const std::string over = world_.add_saga(world_.first, 2, "Shipped");
    world_.session.transact([&](db::Transaction& transaction) {
        transaction.execute(
            "UPDATE sagas SET state = 'Completed', final = true, next_wake = NULL WHERE state = 'Shipped'");
    });
    EXPECT_EQ(all_sagas({.only_open = true}, 50), std::vector<std::string>{open});
    EXPECT_EQ(all_sagas({}, 50), (std::vector<std::string>{over, open}));
    EXPECT_EQ(queries_->summary(mine_).at("sagas"), (json{{"Completed", 1}, {"Reserved", 1}}));
    EXPECT_EQ(queries_->summary(other_).at("sagas"), json::object());
}

TEST_F(ApiQueriesTest, ListsWithEachSagaTheCallThatIsUnderWayElseTheLast) {
    const std::string id = world_.add_saga(world_.first, 1, "Reserved");
    const auto command_of = [&] {
        return queries_->sagas(mine_, {}, {}).at("items").at(0).at("command");
    };
    const auto add = [&](const std::string& activity, const std::string& state, const std::string& error) {
        world_.session.transact([&](db::Transaction& transaction) {
            transaction.execute(
                "INSERT INTO commands (merchant_id, command_id, saga_id, activity, lane, priority, state, payload, "
                "idempotency_key, last_error, created_at, due_at, closed_at) VALUES ($1::bigint, gen_random_uuid(), "
                "$2::uuid, $3, 'warehouse:1', 2, $4, '{}', $3, $5, now(), now(), CASE WHEN $4 = 'closed' THEN now() "
                "END)",
                {world_.first, id, activity, state, error});
        });
    };
    EXPECT_TRUE(command_of().is_null());
    EXPECT_EQ(queries_->sagas(mine_, {}, {}).at("items").at(0).at("order").at("order_id"), "1");
    add("RequestFulfillment", "waiting", "503");
    add("FlushStock", "closed", "");
    EXPECT_EQ(command_of().at("activity"), "RequestFulfillment") << "open, if older";
    EXPECT_EQ(command_of().at("last_error"), "503");
    world_.session.transact([&](db::Transaction& transaction) {
        transaction.execute("UPDATE commands SET state = 'closed', closed_at = now()");
    });
    EXPECT_EQ(command_of().at("activity"), "FlushStock") << "the newest";
}

TEST_F(ApiQueriesTest, ShowsASagaToItsMerchantOnly) {
    const std::string id = world_.add_saga(world_.first, 1, "OnHold");
    const json saga = queries_->saga(mine_, id, false);
    EXPECT_EQ(saga.at("state"), "OnHold");
    EXPECT_EQ(saga.at("order").at("store"), "eu");
    EXPECT_FALSE(saga.contains("data"));
    EXPECT_EQ(saga.at("last_event").at("event"), "StockReserved");
    EXPECT_TRUE(saga.at("in_state_since").is_string());
    EXPECT_EQ(saga.at("remembers"), json::object()) << "nothing personal";
    EXPECT_EQ(queries_->saga(mine_, id, true).at("data").at("address"), "secret street");
    EXPECT_TRUE(queries_->saga(other_, id, false).is_null());
    EXPECT_TRUE(queries_->saga(mine_, "0190a000-0000-7000-8000-00000000ffff", false).is_null());
    EXPECT_TRUE(queries_->history(other_, id, true, {}).at("items").empty());
}

TEST_F(ApiQueriesTest, TellsWhatASagaWaitsFor) {
    const std::string first = world_.add_saga(world_.first, 1, "Backordered");
    const std::string second = world_.add_saga(world_.first, 2, "Backordered");
    world_.session.transact([&](db::Transaction& transaction) {
        const std::string merchant = std::to_string(world_.first);
        transaction.execute(
            "INSERT INTO reservations (merchant_id, saga_id, line_id, sku_id, warehouse_id, waiting, queued_at) SELECT "
            "sagas.merchant_id, saga_id, '1', sku_id, warehouse_id, 2, sagas.created_at FROM sagas JOIN stock USING "
            "(merchant_id) JOIN skus USING (merchant_id, sku_id) WHERE sku = 'HAT' AND sagas.merchant_id = " +
            merchant);
        transaction.execute(
            "INSERT INTO waits (merchant_id, saga_id, kind, sku_id, warehouse_id, version) SELECT merchant_id, '" +
            first +
            "', 'channels', sku_id, warehouse_id, 5 FROM stock JOIN skus USING (merchant_id, sku_id) WHERE sku = "
            "'SHIRT' "
            "AND merchant_id = " +
            merchant);
        transaction.execute("UPDATE listings SET believed = 1");
        transaction.execute(
            "INSERT INTO lanes (merchant_id, lane, tokens, capacity, per_second, refilled_at, not_before, \"window\", "
            "breaker, reason) SELECT merchant_id, 'warehouse:' || warehouse_id, 1, 2, 3, now(), now(), 8, 'open', "
            "'five "
            "failures' FROM warehouses");
        transaction.execute(
            "INSERT INTO commands (merchant_id, command_id, saga_id, activity, lane, priority, state, payload, "
            "idempotency_key, counted_attempts, created_at, due_at) SELECT merchant_id, gen_random_uuid(), '" +
            first +
            "', 'RequestFulfillment', 'warehouse:' || warehouse_id, 2, 'waiting', '{}', 'k', 2, now(), now() FROM "
            "warehouses WHERE merchant_id = " +
            merchant);
    });
    const json saga = queries_->saga(mine_, first, false);
    EXPECT_EQ(saga.at("reservations").at(0).at("ahead"), 0);
    EXPECT_EQ(queries_->saga(mine_, second, false).at("reservations").at(0).at("ahead"), 1);
    EXPECT_EQ(saga.at("waits").at(0).at("stores"), json{"eu"});
    const json& command = saga.at("commands").at(0);
    EXPECT_EQ(command.at("peer"), "main");
    EXPECT_EQ(command.at("counted_attempts"), 2);
    EXPECT_EQ(command.at("lane_held").at("reason"), "five failures");
}

TEST_F(ApiQueriesTest, ShowsHistoryInOrderAndDetailsWhenAsked) {
    const std::string id = world_.add_saga(world_.first, 1, "OnHold");
    const json first = queries_->history(mine_, id, false, {1, ""});
    EXPECT_EQ(first.at("items").at(0).at("event"), "OrderPlaced");
    EXPECT_TRUE(first.at("items").at(0).at("details").is_null());
    const json second = queries_->history(mine_, id, true, {1, first.at("next")});
    EXPECT_EQ(second.at("items").at(0).at("event"), "StockReserved");
    EXPECT_TRUE(second.at("items").at(0).at("details").is_object());
    EXPECT_TRUE(second.at("next").is_null());
}

// 9, then 10: by number, not by digits.
TEST_F(ApiQueriesTest, PagesThroughEveryListByNumber) {
    const std::string id = world_.add_saga(world_.first, 1, "OnHold");
    world_.session.transact([&](db::Transaction& transaction) {
        transaction.execute(
            "INSERT INTO saga_history (merchant_id, saga_id, version, at, from_state, to_state, event) SELECT "
            "merchant_id, saga_id, number, now(), state, state, 'Ignored' FROM sagas, generate_series(3, 12) number");
        transaction.execute(
            "INSERT INTO audit (merchant_id, at, actor, action, subject, reason) SELECT merchant_id, now(), 'a', 'b', "
            "'c', 'd' FROM sagas, generate_series(1, 12)");
        transaction.execute(
            "INSERT INTO incidents (merchant_id, incident_key, cause, text, opened_at, updated_at) SELECT merchant_id, "
            "'k' || number, 'c', 't', now(), now() FROM sagas, generate_series(1, 12) number");
        transaction.execute(
            "INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, version, at) SELECT "
            "merchant_id, sku_id, warehouse_id, 'adjust', number, 2, now() FROM stock JOIN skus USING (merchant_id, "
            "sku_id), generate_series(1, 12) number WHERE sku = 'SHIRT' AND merchant_id = " +
            std::to_string(world_.first));
        transaction.execute(
            "INSERT INTO stores SELECT (jsonb_populate_record(store, jsonb_build_object('store_id', store_id + number, "
            "'key', 'more-' || number, 'shop_domain', 'more-' || number || '.myshopify.com'))).* FROM stores store, "
            "generate_series(10, 20) number WHERE merchant_id = " +
            std::to_string(world_.first));
        transaction.execute(
            "INSERT INTO listings (merchant_id, listing_id, store_id, sku_id, variant_id, inventory_item_id, "
            "location_id) SELECT merchant_id, listing_id + number, store_id, sku_id, number, number, '4' FROM (SELECT "
            "* FROM listings WHERE merchant_id = " +
            std::to_string(world_.first) + " ORDER BY listing_id LIMIT 1) listing, generate_series(10, 20) number");
    });
    using List = std::function<json(const Page&)>;
    const auto numbers = [](const List& list, const char* member) {
        std::vector<std::int64_t> found;
        Page page{5, ""};
        while (true) {
            const json answer = list(page);
            for (const json& item : answer.at("items")) {
                const json& number = item.at(member);
                found.push_back(
                    number.is_string() ? std::stoll(number.get<std::string>()) : number.get<std::int64_t>());
            }
            if (answer.at("next").is_null()) return found;
            page.after = answer.at("next");
        }
    };
    const auto newest_first = [&](const List& list, const char* member) {
        const std::vector<std::int64_t> found = numbers(list, member);
        EXPECT_GE(found.size(), 12U) << member;
        EXPECT_TRUE(std::is_sorted(found.rbegin(), found.rend())) << member;
    };
    const auto oldest_first = [&](const List& list, const char* member) {
        const std::vector<std::int64_t> found = numbers(list, member);
        EXPECT_GE(found.size(), 12U) << member;
        EXPECT_TRUE(std::is_sorted(found.begin(), found.end())) << member;
    };
    oldest_first([&](const Page& page) { return queries_->history(mine_, id, false, page); }, "version");
    oldest_first([&](const Page& page) { return queries_->stores(mine_, page); }, "store_id");
    oldest_first([&](const Page& page) { return queries_->listings(mine_, "", "", false, page); }, "listing_id");
    newest_first([&](const Page& page) { return queries_->movements(mine_, "SHIRT", page); }, "movement_id");
    newest_first([&](const Page& page) { return queries_->incidents(mine_, false, page); }, "incident_id");
    newest_first([&](const Page& page) { return queries_->audit(mine_, page); }, "audit_id");
}

TEST_F(ApiQueriesTest, ShowsAnOrderWithoutPersonalData) {
    const std::string id = world_.add_saga(world_.first, 5, "OnHold");
    const json order = queries_->order(mine_, "eu", "5");
    EXPECT_EQ(order.at("saga_id"), id);
    EXPECT_EQ(order.dump().find("a@b.example"), std::string::npos);
    EXPECT_FALSE(order.at("document").contains("shipping_address"));
    EXPECT_TRUE(queries_->order(other_, "eu", "5").is_null());
}

TEST_F(ApiQueriesTest, ShowsStockMovementsAndListings) {
    const json stock = queries_->stock(mine_, "", "", {1, ""});
    EXPECT_EQ(stock.at("items").size(), 1U);
    const json rest = queries_->stock(mine_, "", "", {10, stock.at("next")});
    EXPECT_EQ(rest.at("items").size(), 1U);
    const json shirt = queries_->stock(mine_, "SHIRT", "main", {}).at("items").at(0);
    EXPECT_EQ(shirt.at("available"), 20);
    EXPECT_EQ(shirt.at("version"), 1);
    ASSERT_EQ(shirt.at("shown").size(), 1U);
    EXPECT_EQ(shirt.at("shown").at(0).at("store"), "eu");
    EXPECT_TRUE(shirt.at("shown").at(0).at("believed").is_null()) << "nothing was read from the store yet";
    EXPECT_EQ(queries_->movements(mine_, "SHIRT", {}).at("items").at(0).at("kind"), "opening");
    EXPECT_TRUE(queries_->movements(mine_, "NONE", {}).is_null());
    EXPECT_EQ(queries_->listings(mine_, "eu", "", false, {}).at("items").size(), 3U);
    const std::optional<api::LedgerKey> ledger = queries_->ledger(mine_, "SHIRT", "main");
    ASSERT_TRUE(ledger);
    EXPECT_EQ(ledger->version, 1);
    EXPECT_FALSE(queries_->ledger(mine_, "SET", "main"));
    EXPECT_FALSE(queries_->adjusted_before(mine_, *ledger, "key.x"));
}

TEST_F(ApiQueriesTest, AnswersEveryList) {
    world_.add_saga(world_.first, 1, "OnHold");
    world_.session.transact([&](db::Transaction& transaction) {
        transaction.execute(
            "INSERT INTO lanes (merchant_id, lane, tokens, capacity, per_second, refilled_at, not_before, \"window\") "
            "SELECT merchant_id, 'store:' || store_id, 1, 2, 3, now(), now(), 8 FROM stores");
        transaction.execute(
            "INSERT INTO incidents (merchant_id, incident_key, cause, text, opened_at, updated_at) "
            "SELECT merchant_id, 'k', 'cause', 'text', now(), now() FROM merchants");
    });
    EXPECT_EQ(queries_->stores(mine_, {}).at("items").at(0).at("shop_domain"), "first.myshopify.com");
    EXPECT_EQ(queries_->lanes(mine_, {}).at("items").at(0).at("name"), "eu");
    EXPECT_EQ(queries_->incidents(mine_, false, {}).at("items").size(), 1U);
    EXPECT_EQ(queries_->audit(mine_, {}).at("items").at(0).at("action"), "setup");
    EXPECT_EQ(queries_->summary(mine_).at("sagas").at("OnHold"), 1);
    EXPECT_EQ(queries_->summary(mine_).at("open_incidents"), 1);
    EXPECT_EQ(queries_->stored_schema_version(), queries_->wanted_schema_version());
}

TEST_F(ApiQueriesTest, RefusesCursorsThatAreNone) {
    for (const std::string cursor :
         {"x", "1_2_3", "now()_x", "1; DROP TABLE sagas", "2026-01-01 00:00:00+00_nonsense"}) {
        EXPECT_THROW(queries_->sagas(mine_, {}, {10, cursor}), db::BadData) << cursor;
        EXPECT_THROW(queries_->audit(mine_, {10, cursor}), db::BadData) << cursor;
    }
    for (const std::string cursor : {"x", "5", "5_", "_5", "_", "1_2_3", "1_x", "-1_2"})
        EXPECT_THROW(queries_->stock(mine_, "", "", {10, cursor}), db::BadData) << cursor;
}

TEST_F(ApiQueriesTest, FindsLiveTokensOnly) {
    const auto add = [&](const std::string& token, std::optional<db::Instant> expires) {
        ASSERT_TRUE(db::create_token(
            world_.session, {"First", token, "operator", runtime::sha256_hex(token), expires}, "test", "test"));
    };
    add("good", {});
    add("expired", db::Instant{std::chrono::seconds(1)});
    add("revoked", {});
    world_.session.transact([&](db::Transaction& transaction) {
        transaction.execute("UPDATE tokens SET revoked_at = now() WHERE name = 'revoked'");
    });

    const std::optional<api::Principal> good = queries_->find_token(runtime::sha256_hex("good"));
    ASSERT_TRUE(good);
    ASSERT_EQ(good->merchants.size(), 1U);
    EXPECT_EQ(good->merchants[0].id, mine_);
    EXPECT_EQ(good->merchants[0].name, "First");
    EXPECT_EQ(good->role, api::Role::operator_);
    for (const std::string token : {"expired", "revoked", "unknown"})
        EXPECT_FALSE(queries_->find_token(runtime::sha256_hex(token))) << token;
    EXPECT_FALSE(
        db::create_token(world_.session, {"Nobody", "x", "read", runtime::sha256_hex("x"), {}}, "test", "test"));
}

TEST_F(ApiQueriesTest, SettlesParkedItemsAndWebhooksOnceWithAnAuditRow) {
    world_.session.transact([&](db::Transaction& transaction) {
        transaction.execute(
            "INSERT INTO parked_items (merchant_id, kind, subject, reason, input) VALUES ($1::bigint, 'arrival', 's', "
            "'r', '{\"order_id\": \"5\", \"email\": \"ada@example.com\", \"lines\": [{\"sku\": \"SHIRT\"}]}')",
            {world_.first});
        transaction.execute(
            "INSERT INTO webhook_receipts (merchant_id, store_id, source, topic, webhook_id, received_at, body, "
            "status, reason) "
            "SELECT merchant_id, store_id, 'shopify', 'orders/create', 'w', now(), $2::bytea, 'parked', 'no JSON' FROM "
            "stores WHERE merchant_id = $1::bigint",
            {world_.first, db::Bytes{std::string_view("{\0\xff", 3)}});
    });
    const json first = queries_->parked(mine_, {1, ""});
    const json second = queries_->parked(mine_, {1, first.at("next")});
    EXPECT_TRUE(second.at("next").is_null());
    EXPECT_TRUE(queries_->parked(other_, {}).at("items").empty());
    EXPECT_EQ(queries_->summary(mine_).at("parked_items"), 2);

    for (const json& page : {first, second}) {
        const std::string item = page.at("items").at(0).at("item_id");
        EXPECT_FALSE(queries_->parked_webhook(other_, item));
        EXPECT_EQ(queries_->parked_webhook(mine_, item).has_value(), item.starts_with("webhook-"));
        const std::string shown = queries_->parked_item(mine_, item, true).at("input");
        if (item.starts_with("webhook-")) {
            EXPECT_EQ(queries_->parked_webhook(mine_, item)->body, std::string("{\0\xff", 3));
            EXPECT_EQ(shown, "3 bytes that are no JSON; they are not shown");
        } else {
            EXPECT_EQ(json::parse(shown), json::parse(R"({"order_id":"5","email":"***","lines":[{"sku":"SHIRT"}]})"));
        }
        EXPECT_FALSE(queries_->settle_parked(other_, item, "dismiss", "anna", "seen"));
        EXPECT_TRUE(queries_->settle_parked(mine_, item, "dismiss", "anna", "seen"));
        EXPECT_FALSE(queries_->settle_parked(mine_, item, "dismiss", "anna", "seen"));
    }
    EXPECT_FALSE(queries_->settle_parked(mine_, "x", "dismiss", "anna", "seen"));
    EXPECT_TRUE(queries_->parked(mine_, {}).at("items").empty());
    EXPECT_EQ(queries_->audit(mine_, {}).at("items").at(0).at("actor"), "anna");
}

TEST_F(ApiQueriesTest, ChecksTheLaws) {
    EXPECT_TRUE(queries_->verify(false).at("all_hold"));
    EXPECT_EQ(queries_->verify(false).at("laws").size(), 11U);
}

TEST_F(ApiQueriesTest, FindsACommandByItsKey) {
    world_.session.transact([&](db::Transaction& transaction) {
        transaction.execute(
            "INSERT INTO audit (merchant_id, at, actor, action, subject, reason, details) VALUES ($1::bigint, now(), "
            "'anna', 'saga cancel', "
            "'s', 'r', '{\"idempotency_key\":\"k\",\"fingerprint\":\"f\",\"principal\":\"token.1\"}')",
            {world_.first});
    });
    EXPECT_EQ(queries_->find_command({mine_, "token.1", "k"})->fingerprint, "f");
    EXPECT_FALSE(queries_->find_command({other_, "token.1", "k"}));
    EXPECT_FALSE(queries_->find_command({mine_, "token.2", "k"}));
    EXPECT_FALSE(queries_->find_command({mine_, "token.1", "l"}));
}

}  // namespace
}  // namespace ordersaga::test
