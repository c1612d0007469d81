// Words that name a person are planted in everything that comes in, and looked for everywhere afterwards.
#include "db/privacy.hpp"

#include "db/verify.hpp"
#include "runtime/log.hpp"
#include "tests/integration/hostile/hostile_world.hpp"

#include <algorithm>

namespace ordersaga::test {
namespace {

// Of whom it is about: in no table, message, page or log line, at no time.
const std::string person = "PERSONCANARY";
// Of what people and peers wrote about the order: gone when it was erased.
const std::string word = "WORDCANARY";

json a_list_of(json entry) {
    json list = json::array();
    list.push_back(std::move(entry));
    return list;
}

json an_order_of_somebody(std::int64_t id) {
    const json pair = json::object({{"name", person}, {"value", person}});
    json order = an_order(id);
    for (const char* field : {"email", "contact_email"})
        order[field] = person + "@example.com";
    for (const char* field : {"phone", "note", "browser_ip", "landing_site", "tags"})
        order[field] = person;
    for (const char* field : {"name", "address1", "address2", "company", "city", "zip", "phone"})
        order["shipping_address"][field] = order["billing_address"][field] = person;
    order["shipping_address"]["latitude"] = 52.5;
    order["customer"]["first_name"] = order["client_details"]["user_agent"] = person;
    order["note_attributes"] = a_list_of(pair);
    order["line_items"][0]["properties"] = a_list_of(pair);
    order["source_name"] = word;
    return order;
}

json redact_of(std::initializer_list<std::int64_t> orders) {
    return {
        {"shop_domain", shop},
        {"customer", {{"id", 7}, {"email", person + "@example.com"}, {"phone", person}}},
        {"orders_to_redact", std::vector<std::int64_t>(orders)}};
}

class Privacy : public HostileWorld {
protected:
    // The tables in which a text stands: plainly, as bytes, or in base64.
    std::string tables_with(const std::string& text) {
        std::string found;
        looker_->transact([&](db::Transaction& transaction) {
            const db::Rows tables = transaction.query(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY "
                "1");
            for (std::size_t row = 0; row < tables.size(); ++row) {
                const db::Rows hits = transaction.query(
                    "SELECT count(*) FROM " + tables.text(row, 0) +
                        " AS any_row WHERE position($1 IN any_row::text) > 0"
                        " OR position(encode(convert_to($1, 'UTF8'), 'hex') IN any_row::text) > 0"
                        " OR position(left(encode(convert_to($1, 'UTF8'), 'base64'), 12) IN any_row::text) > 0",
                    {text});
                if (hits.int64(0, 0) > 0) found += (found.empty() ? "" : " ") + tables.text(row, 0);
            }
        });
        return found;
    }

    db::Erased erase() {
        db::Session session({database_->dsns().engine, "test-erasing"});
        return db::erase_asked(session, [] { return true; });
    }

    std::string state_of(std::int64_t order) {
        return look(
            "SELECT state FROM sagas JOIN orders USING (merchant_id, saga_id) WHERE order_id = '" +
            std::to_string(order) + "'");
    }
    std::string saga_of(std::int64_t order) {
        return look("SELECT saga_id FROM orders WHERE order_id = '" + std::to_string(order) + "'");
    }
    bool comes_to(std::int64_t order, const std::string& state, std::set<std::string> held = {}) {
        held.insert("PollFulfillments");  // answered by ship()
        return work_until([&] { return state_of(order) == state; }, held);
    }

    // The warehouse tells that all of the order has left and arrived.
    void ship(std::int64_t order) {
        const std::vector<engine::CommandRow> polls = orchestrator_->sink().sent("PollFulfillments");
        const auto poll = std::find_if(polls.rbegin(), polls.rend(), [&](const engine::CommandRow& command) {
            return command.merchant.value == merchant_;
        });
        ASSERT_NE(poll, polls.rend());
        const std::string reference =
            look("SELECT reference FROM fulfillment_references WHERE saga_id = '" + saga_of(order) + "'");
        const json line = json::object({{"sku", "SHIRT"}, {"warehouse_item_id", "item-SHIRT"}, {"quantity", 1}});
        const json shipment = json::object(
            {{"id", "s-1"},
             {"state", "Delivered"},
             {"carrier", word},
             {"tracking_number", word},
             {"tracking_url", "https://track.example.com/" + word},
             {"lines", a_list_of(line)}});
        const json view = json::object(
            {{"reference", reference},
             {"warehouse_order_id", "900"},
             {"state", "Delivered"},
             {"cancellable", "no"},
             {"problems", json::array()},
             {"shipments", a_list_of(shipment)}});
        sagas::Outcome outcome;
        outcome.kind = sagas::OutcomeKind::done;
        outcome.payload =
            json::object({{"views", a_list_of(view)}, {"changed_until", "2026-11-01T11:00:00Z"}, {"complete", true}});
        const engine::InputResult result = orchestrator_->tell_outcome(*poll, outcome);
        ASSERT_EQ(result.kind, engine::InputResult::Kind::applied) << result.reason;
    }

    void expect_that_all_laws_hold() {
        db::Session session({database_->dsns().engine, "test-laws"});
        for (const db::LawResult& law : db::verify(session))
            EXPECT_TRUE(law.holds()) << law.law << " " << law.promise;
    }

    // What goes to the broker names nobody.
    bool is_in_a_message(const std::string& text) {
        for (const engine::CommandRow& command : orchestrator_->sink().sent("RequestFulfillment")) {
            if (command.payload.dump().find(text) != std::string::npos) return true;
        }
        const auto announced = orchestrator_->sink().announced();
        return std::any_of(announced.begin(), announced.end(), [&](const engine::AnnouncementRow& row) {
            return row.body.dump().find(text) != std::string::npos;
        });
    }

    runtime::LogCapture log_;
};

// An order is under way at the warehouse when its customer wants to be forgotten.
TEST_F(Privacy, APersonIsForgottenWhileTheOrderGoesOnAndItsWordsWhenItIsOver) {
    ASSERT_EQ(send("orders/create", "w1", an_order_of_somebody(5).dump()).status, 200);
    EXPECT_EQ(ask("POST", "/api/v1/sagas/" + saga_of(5) + "/hold", {{"reason", word}}).status, 200);
    EXPECT_EQ(ask("POST", "/api/v1/sagas/" + saga_of(5) + "/release", {{"reason", word}}).status, 200);
    EXPECT_EQ(ask("GET", "/api/v1/sagas?text=" + person).status, 200);
    EXPECT_NE(ask("POST", "/api/v1/sagas/" + saga_of(5) + "/hold", {{"reason", 7}, {person, person}}).status, 200);
    ASSERT_TRUE(comes_to(5, "FulfillmentRequested")) << state_of(5);
    EXPECT_EQ(tables_with(person), "") << "sealed from the first moment";
    EXPECT_NE(tables_with(word), "") << "or nothing is shown below";
    EXPECT_EQ(look("SELECT count(*) FROM personal_data"), "1");

    ASSERT_EQ(send("customers/redact", "w2", redact_of({5, 99}).dump()).status, 200);
    ASSERT_EQ(send("customers/redact", "w2", redact_of({5, 99}).dump()).status, 200);  // delivered twice
    EXPECT_EQ(erase().orders, 0) << "it is still under way";
    EXPECT_EQ(look("SELECT count(*) FROM personal_data"), "0") << "the warehouse has the address";
    EXPECT_EQ(look("SELECT count(*) FROM webhook_receipts WHERE body <> ''"), "0");

    ship(5);
    ASSERT_TRUE(comes_to(5, "Completed")) << state_of(5);
    const db::Erased erased = erase();
    EXPECT_EQ(erased.orders, 1);
    EXPECT_EQ(erased.requests, 1);
    EXPECT_EQ(tables_with(word), "");
    EXPECT_EQ(tables_with(person), "");
    EXPECT_FALSE(erase().any()) << "nothing is left to do";
    for (const std::string& page :
         {"/api/v1/sagas/" + saga_of(5), "/api/v1/sagas/" + saga_of(5) + "/history", std::string("/api/v1/orders/eu/5"),
          std::string("/api/v1/audit")}) {
        const std::string body = ask("GET", page).body;
        EXPECT_EQ(body.find(word), std::string::npos) << page;
        EXPECT_EQ(body.find(person), std::string::npos) << page;
    }
    EXPECT_FALSE(is_in_a_message(person));
    EXPECT_FALSE(log_.contains(person));
    expect_that_all_laws_hold();
}

// The warehouse has not heard of it yet: without its address it could not be sent.
TEST_F(Privacy, AnAddressThatIsStillNeededStaysUntilTheWarehouseHasIt) {
    ASSERT_EQ(send("orders/create", "w1", an_order_of_somebody(5).dump()).status, 200);
    ASSERT_TRUE(comes_to(5, "ChannelsSynced", {"RequestFulfillment"})) << state_of(5);
    ASSERT_EQ(send("customers/redact", "w2", redact_of({5}).dump()).status, 200);

    erase();
    EXPECT_EQ(look("SELECT count(*) FROM personal_data"), "1");
    ASSERT_TRUE(comes_to(5, "FulfillmentRequested")) << state_of(5);
    erase();
    EXPECT_EQ(look("SELECT count(*) FROM personal_data"), "0");
    EXPECT_EQ(look("SELECT count(*) FROM privacy_requests WHERE done_at IS NULL"), "1") << "the order is not over";
}

// What nobody could read may be about anybody.
TEST_F(Privacy, AShopThatLeavesTakesItsKeyAlong) {
    ASSERT_EQ(send("orders/create", "w1", an_order_of_somebody(5).dump()).status, 200);
    json broken = an_order_of_somebody(6);
    broken["line_items"] = "none";
    ASSERT_EQ(send("orders/create", "w2", broken.dump()).status, 200);
    EXPECT_EQ(look("SELECT status FROM webhook_receipts WHERE webhook_id = 'w2'"), "parked");
    EXPECT_EQ(tables_with(person), "") << "a parked body is sealed, too";
    const std::string item = json::parse(ask("GET", "/api/v1/parked").body).at("items").at(0).at("item_id");
    EXPECT_EQ(ask("GET", "/api/v1/parked/" + item).body.find(person), std::string::npos);
    ASSERT_TRUE(comes_to(5, "FulfillmentRequested")) << state_of(5);
    ship(5);
    ASSERT_TRUE(comes_to(5, "Completed")) << state_of(5);

    ASSERT_EQ(send("shop/redact", "w3", json{{"shop_domain", shop}}.dump()).status, 200);
    const db::Erased erased = erase();

    EXPECT_EQ(erased.orders, 1);
    EXPECT_EQ(erased.keys, 1);
    EXPECT_EQ(look("SELECT count(*) FROM store_keys"), "0");
    EXPECT_EQ(look("SELECT count(*) FROM webhook_receipts WHERE body <> ''"), "0");
    EXPECT_EQ(tables_with(word), "");
    ASSERT_EQ(send("orders/create", "w4", an_order_of_somebody(8).dump()).status, 200);
    EXPECT_TRUE(comes_to(8, "FulfillmentRequested")) << "a store that comes back gets a new key; " << state_of(8);
    EXPECT_EQ(look("SELECT count(*) FROM store_keys"), "1");
}

TEST_F(Privacy, ADataRequestIsAnsweredWithEverythingThatIsKept) {
    ASSERT_EQ(send("orders/create", "w1", an_order_of_somebody(5).dump()).status, 200);
    const json asked = {{"shop_domain", shop}, {"orders_requested", {5, 99}}, {"data_request", {{"id", 9999}}}};
    ASSERT_EQ(send("customers/data_request", "w2", asked.dump()).status, 200);
    EXPECT_EQ(look("SELECT cause FROM incidents WHERE closed_at IS NULL"), "a customer asks for their data");

    db::Session session({database_->dsns().engine, "test-export"});
    json answer;
    session.transact([&](db::Transaction& transaction) {
        const std::vector<db::PrivacyRequestRow> requests = db::privacy_requests(transaction, false);
        ASSERT_EQ(requests.size(), 1U);
        answer = db::exported(transaction, test_keys(), requests[0]);
        db::note_exported(transaction, requests[0], "anna", "letter of today");
    });

    ASSERT_EQ(answer.at("orders").size(), 1U);
    const json& order = answer.at("orders")[0];
    EXPECT_EQ(order.at("person").at("address1"), person);
    EXPECT_EQ(json::parse(order.at("webhooks")[0].at("body").get<std::string>()).at("note"), person);
    EXPECT_EQ(look("SELECT count(*) FROM incidents WHERE closed_at IS NULL"), "0");
    EXPECT_EQ(look("SELECT count(*) FROM privacy_requests WHERE done_at IS NULL"), "0");
    EXPECT_EQ(look("SELECT actor FROM audit WHERE action = 'personal data exported'"), "anna");
}

}  // namespace
}  // namespace ordersaga::test
