// What the warehouse may answer to each of our commands, and what its views make of an order.
#include "sagas/order_data.hpp"
#include "tests/fuzz/a_peer.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::fuzz {
namespace {

using nlohmann::json;

const std::map<std::string, json>& payloads() {
    static const std::map<std::string, json> all{
        {"RequestFulfillment",
         {{"warehouse", "main"},
          {"reference", "eu.1001.1.1"},
          {"request_key", "k-1"},
          {"order_number", "#1001"},
          {"ship_method", "Standard"},
          {"lines", {{{"line_id", "11"}, {"sku", "T-SHIRT"}, {"warehouse_item_id", "501"}, {"quantity", 2}}}},
          {"tags", {{{"name", "store"}, {"value", "eu"}}}}}},
        {"CancelFulfillment", {{"warehouse", "main"}, {"reference", "eu.1001.1.1"}, {"warehouse_order_id", "900"}}},
        {"FindFulfillment", {{"warehouse", "main"}, {"reference", "eu.1001.1.1"}}},
        {"PollFulfillments", {{"warehouse", "main"}, {"changed_since", "2026-07-01T00:00:00Z"}}},
        {"ReadWarehouseStock", {{"warehouse", "main"}, {"items", {{{"sku_id", 3}, {"warehouse_item_id", "501"}}}}}},
    };
    return all;
}

sagas::OrderData an_order() {
    sagas::OrderData data;
    data.store_id = 7;
    data.store = "eu";
    data.warehouse_id = 9;
    data.warehouse = "main";
    data.order_id = "1001";
    sagas::SagaLine line;
    line.line_id = "11";
    line.sku = "T-SHIRT";
    line.wanted = 2;
    line.parts = {{3, "T-SHIRT", "501", 1, 0}};
    data.lines = {line};
    sagas::Fulfillment fulfillment;
    fulfillment.reference = "eu.1001.1.1";
    fulfillment.state = "accepted";
    data.fulfillments = {fulfillment};
    return data;
}

// Whatever the warehouse claims to have sent, no more is booked than the order wanted.
void check_view(const json& view) {
    sagas::OrderData data = an_order();
    sagas::ViewNews news = sagas::news_of(data, view);
    sagas::book_shipments(data, news);
    for (const sagas::SagaLine& line : data.lines) {
        HOLDS(line.told_shipped >= 0 && line.told_shipped <= line.wanted);
        for (const sagas::LinePart& part : line.parts)
            HOLDS(part.shipped >= 0 && part.shipped <= line.wanted * part.per_unit);
    }
    for (const auto& [sku, units] : news.shipped_skus)
        HOLDS(units > 0 && units <= 2);
}

}  // namespace

void one_input(std::string_view input) {
    const sagas::Outcome outcome = run_command(input, payloads());
    if (const json* view = runtime::find_member(outcome.payload, "view")) check_view(*view);
    if (const json* views = runtime::find_member(outcome.payload, "views")) {
        for (const json& view : *views)
            check_view(view);
    }
}

}  // namespace ordersaga::fuzz
