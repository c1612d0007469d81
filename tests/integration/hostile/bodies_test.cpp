// Signed bodies that make no sense: stored, answered 200 (a refusal would only bring them back) and parked with a reason,
// or, where they merely look odd, applied like any other.
#include "db/recipients.hpp"
#include "db/store_keys.hpp"
#include "tests/integration/hostile/hostile_world.hpp"

#include <future>

namespace ordersaga::test {
namespace {

class HostileBodies : public HostileWorld {
protected:
    // Sends it and answers with the reason it was parked for; "applied" when it was not.
    std::string reason_for(const std::string& topic, const std::string& body) {
        const std::string id = "w" + std::to_string(++sent_);
        const runtime::HttpOutcome answer = send(topic, id, body);
        EXPECT_EQ(answer.status, 200) << body.substr(0, 200) << " " << answer.error;
        const std::string status = look("SELECT status FROM webhook_receipts WHERE webhook_id = '" + id + "'");
        EXPECT_EQ(kept_body(topic, id), body) << "the raw bytes are kept";
        if (status != "parked") return status;
        const std::string reason = look("SELECT reason FROM webhook_receipts WHERE webhook_id = '" + id + "'");
        EXPECT_FALSE(reason.empty());
        return reason;
    }
    std::string kept_body(const std::string& topic, const std::string& webhook_id) {
        std::string text;
        looker_->transact([&](db::Transaction& transaction) {
            const db::Rows rows = transaction.query(
                "SELECT store_id, data_key_id, body FROM webhook_receipts WHERE webhook_id = $1", {webhook_id});
            const db::KeptBody kept{merchant_,  rows.int64(0, 0),         topic,
                                    webhook_id, rows.optional_text(0, 1), rows.bytes(0, 2)};
            const runtime::Result<std::string> opened = db::opened_body(transaction, test_keys(), kept);
            text = opened ? *opened : opened.error().message;
        });
        return text;
    }
    std::string changed(const std::string& member, const json& value) {
        json order = an_order(5);
        order[member] = value;
        return order.dump();
    }
    std::string with_line(const std::string& member, const json& value) {
        json order = an_order(5);
        order["line_items"][0][member] = value;
        return order.dump();
    }

    int sent_ = 0;
};

TEST_F(HostileBodies, ThatAreNoJsonAreParked) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    std::string deep_object;
    for (int level = 0; level < 5'000; ++level)
        deep_object += "{\"a\":";
    std::string nul = an_order(5).dump();
    nul.insert(nul.find("buyer"), 1, '\0');
    std::string broken_utf8 = an_order(5).dump();
    broken_utf8.insert(broken_utf8.find("buyer"), "\xC3\x28");
    // The same order as other systems write text.
    std::string little_endian = "\xFF\xFE", big_endian = "\xFE\xFF";
    for (const char letter : an_order(5).dump()) {
        little_endian += std::string{letter, '\0'};
        big_endian += std::string{'\0', letter};
    }
    const std::vector<std::string> bodies{
        little_endian,
        big_endian,
        "x",
        "{",
        "nul",
        "[1,2",
        R"({"id":1}{"id":2})",
        R"({"id":1,"id":2})",
        R"({"id":NaN})",
        R"({"id":1e400})",
        R"({"id":99999999999999999999})",
        R"({"name":"\ud800"})",
        "\xEF\xBB\xBF{}",
        deep,
        deep_object,
        nul,
        broken_utf8};
    for (const std::string& body : bodies) {
        EXPECT_NE(reason_for("orders/create", body).find("the body is no acceptable JSON"), std::string::npos)
            << body.substr(0, 60);
    }
    EXPECT_EQ(count("sagas"), 0);
    EXPECT_EQ(count("orders"), 0);
    expect_that_it_lives();
}

TEST_F(HostileBodies, WithWrongTypesAndRangesAreParkedWithTheFieldAtFault) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"[]", "must be an object"},
        {"null", "must be an object"},
        {"\"text\"", "must be an object"},
        {"{}", "order.id"},
        {changed("id", 1.5), "order.id"},
        {changed("id", nullptr), "created"},  // the global id stands in for it, so this one is applied
        {changed("admin_graphql_api_id", "gid://shopify/Order/6"), "order.id"},
        {changed("created_at", "yesterday"), "order.created_at"},
        {changed("financial_status", 7), "order.financial_status"},
        {changed("line_items", "none"), "order.line_items"},
        {changed("line_items", {1, 2}), "order.line_items"},
        {with_line("quantity", -1), "quantity"},
        {with_line("quantity", "1"), "quantity"},
        {with_line("quantity", 9'000'000'000'000'000'000), "quantity"},
        {with_line("sku", {{"$ne", ""}}), "sku"},
        {with_line("id", "1; DROP TABLE orders"), "id"},
        {changed("email", std::string("a\0b", 3)), "JSON"},
        {changed("shipping_address", "somewhere"), "shipping_address"},
    };
    for (const auto& [body, fault] : cases) {
        const std::string reason = reason_for("orders/create", body);
        if (fault == "created") {
            EXPECT_EQ(reason, "applied") << body;
        } else {
            EXPECT_NE(reason.find(fault), std::string::npos) << "parked for: " << reason << "\n" << body.substr(0, 300);
        }
    }
    EXPECT_EQ(count("sagas"), 1);
    expect_that_it_lives();
}

TEST_F(HostileBodies, OfOtherTopicsAreParkedWithAReason) {
    EXPECT_NE(reason_for("refunds/create", R"({"id":1})").find("order_id"), std::string::npos);
    EXPECT_NE(reason_for("refunds/create", R"({"id":1,"order_id":"x"})").find("order_id"), std::string::npos);
    EXPECT_NE(reason_for("fulfillments/create", R"({"id":1})").find("order_id"), std::string::npos);
    EXPECT_NE(reason_for("fulfillments/create", R"({"order_id":1})").find("id"), std::string::npos);
    EXPECT_NE(reason_for("orders/edited", R"({"order_edit":[]})").find("order_edit"), std::string::npos);
    EXPECT_NE(reason_for("orders/delete", R"({})").find("id"), std::string::npos);
    EXPECT_NE(
        reason_for("inventory_levels/update", R"({"inventory_item_id":1})").find("location_id"), std::string::npos);
    EXPECT_NE(
        reason_for("inventory_levels/update", R"({"inventory_item_id":1,"location_id":2,"available":"3"})")
            .find("available"),
        std::string::npos);
    // Ids that are texts but no numbers must not reach a query as numbers.
    EXPECT_NE(reason_for("orders/delete", R"({"id":"1' OR '1'='1"})"), "applied");
    EXPECT_NE(reason_for("fulfillments/create", R"({"id":1,"order_id":"1' OR '1'='1"})"), "applied");
    EXPECT_EQ(count("sagas"), 0);
    expect_that_it_lives();
}

TEST_F(HostileBodies, WithThousandsOfLinesAreParked) {
    std::vector<OrderLineBody> lines;
    for (int line = 1; line <= 10'000; ++line)
        lines.push_back({line, "SHIRT", 501, 1});
    EXPECT_NE(reason_for("orders/create", an_order(5, lines).dump()).find("line_items"), std::string::npos);
    EXPECT_EQ(count("sagas"), 0);
}

// Not hostile to us, perhaps to who reads it later: kept as text, never interpreted here.
TEST_F(HostileBodies, WithOddTextAreApplied) {
    json order = an_order(5);
    order["name"] = "<script>alert(1)</script>'; DROP TABLE sagas; -- \xF0\x9F\x91\x95 %s %n ${jndi:x}";
    order["shipping_address"]["name"] = "\"><img src=x onerror=alert(1)>";

    EXPECT_EQ(reason_for("orders/create", order.dump()), "applied");

    EXPECT_EQ(look("SELECT name FROM orders"), order["name"].get<std::string>());
    ASSERT_TRUE(work_until_state("FulfillmentRequested"));
    const std::vector<engine::CommandRow> requests = orchestrator_->sink().sent("RequestFulfillment");
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_FALSE(requests[0].payload.contains("recipient")) << "addresses are in no message";
    std::promise<db::Recipients::Answer> answered;
    db::Recipients recipients({database_->dsns().worker, test_keys()});
    recipients.find(std::to_string(merchant_), requests[0].saga_id, [&](auto answer) { answered.set_value(answer); });
    const db::Recipients::Answer answer = answered.get_future().get();
    ASSERT_EQ(answer.kind, db::Recipients::Answer::Kind::known) << answer.text;
    EXPECT_EQ(json::parse(answer.text).at("name"), order["shipping_address"]["name"]);
    const runtime::HttpOutcome listed = ask("GET", "/api/v1/sagas");
    EXPECT_EQ(listed.status, 200);
    EXPECT_EQ(*listed.header("content-type"), "application/json");
}

TEST_F(HostileBodies, OfUnknownTopicsAreRecordedAndIgnored) {
    const runtime::HttpOutcome answer = send("carts/update", "w1", "no JSON at all");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(look("SELECT status || ': ' || reason FROM webhook_receipts"), "ignored: unknown topic");
    EXPECT_NE(orchestrator_->metrics().exposition().find("topic=\"other\""), std::string::npos);
    EXPECT_EQ(orchestrator_->metrics().exposition().find("carts/update"), std::string::npos)
        << "a stranger must not make new series";
}

}  // namespace
}  // namespace ordersaga::test
