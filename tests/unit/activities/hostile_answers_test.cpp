// Answers bent at random: cut, with changed types, lost members, swapped bytes. Nothing may crash, and a write is never
// taken for applied when its root is not there.
#include "activities/shopify/answers.hpp"
#include "activities/shopify/fulfillment_plan.hpp"
#include "activities/shopify/orders.hpp"
#include "activities/wms/shipbob/answers.hpp"
#include "activities/wms/warehouse_activities.hpp"
#include "runtime/random.hpp"
#include "tests/unit/activities/fixtures.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace ordersaga::activities {
namespace {

using nlohmann::json;
using tests::fixture;

constexpr int bends_per_document = 400;

json odd_value(runtime::Random& random) {
    static const std::vector<json> values{
        nullptr,
        true,
        -1,
        9'223'372'036'854'775'807,
        1e300,
        "",
        "x",
        json::array(),
        json::object(),
        json::array({nullptr}),
        "gid://shopify/Order/"};
    return values[random.below(values.size())];
}

// Changes one place somewhere in the tree.
void bend(json& value, runtime::Random& random) {
    if (!value.is_structured() || value.empty() || random.below(4) == 0) {
        value = odd_value(random);
        return;
    }
    auto child = value.begin();
    std::advance(child, static_cast<std::ptrdiff_t>(random.below(value.size())));
    if (random.below(6) == 0) {
        value.erase(child);
        return;
    }
    bend(*child, random);
}

std::string bent_text(const json& document, runtime::Random& random) {
    json copy = document;
    for (std::uint64_t i = 0; i <= random.below(3); ++i)
        bend(copy, random);
    std::string text = copy.dump(-1, ' ', false, json::error_handler_t::replace);
    if (!text.empty() && random.below(5) == 0) text.resize(random.below(text.size()));
    if (!text.empty() && random.below(5) == 0) text[random.below(text.size())] = static_cast<char>(random.below(256));
    return text;
}

PeerAnswer peer_answer(int status, std::string body) {
    PeerAnswer answer;
    answer.kind = PeerAnswer::Kind::response;
    answer.status = status;
    answer.body = std::move(body);
    return answer;
}

TEST(HostileAnswers, StoreWritesAreNeverAppliedWithoutTheirRoot) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json exchange = fixture("shopify/graphql/inventory-adjust-applied-with-access-denied.json");
    const json request{{"query", shopify::adjust_stock.text}, {"variables", exchange.at("variables")}};
    const auto rows = shopify::rows_of_request(request.dump()).value();
    runtime::SeededRandom random{42};
    for (int i = 0; i < bends_per_document; ++i) {
        const std::string body = bent_text(exchange.at("response"), random);
        const shopify::Answer answer = shopify::read_answer(shopify::adjust_stock, peer_answer(200, body));
        const shopify::FlushResult result = shopify::settle_flush(rows, answer);
        if (answer.verdict == shopify::Verdict::ok) {
            EXPECT_FALSE(answer.root.is_null()) << body;
        }
        for (const std::size_t index : result.applied) {
            EXPECT_NE(body.find(rows.at(index).item_gid), std::string::npos) << body;
        }
        (void)shopify::rows_of_request(bent_text(request, random));
    }
}

TEST(HostileAnswers, StoreOrdersAndPlansSurvive) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json order = fixture("shopify/graphql/order-cancel-with-refund-and-restock.json")
                           .at("after")
                           .at("response")
                           .at("data")
                           .at("order");
    const json held = fixture("shopify/graphql/fulfillment-order-hold.json")
                          .at("firstHold")
                          .at("response")
                          .at("data")
                          .at("fulfillmentOrderHold")
                          .at("fulfillmentOrder");
    runtime::SeededRandom random{43};
    for (int i = 0; i < bends_per_document; ++i) {
        json node = order;
        node["fulfillmentOrders"] = {{"nodes", json::array({held})}};
        bend(node, random);
        (void)shopify::is_cut(node, 10);
        (void)shopify::plan_hold(node, "appA-1");
        (void)shopify::plan_fulfillment(node, {{"19301844713778", 2}}, "T1");
        try {
            (void)shopify::order_of_node(node);
        } catch (const std::invalid_argument&) {
            continue;  // the one way it may refuse
        }
    }
}

TEST(HostileAnswers, WarehouseDocumentsSurvive) {
    ORDERSAGA_NEEDS_FIXTURES();
    namespace shipbob = wms::shipbob;
    const json order = fixture("wms/shipbob/example-get-order-2026-01.json").at("responses").at("200");
    const json cancel = fixture("wms/shipbob/example-cancel-order-2026-01.json").at("responses").at("200");
    const json levels = fixture("wms/shipbob/example-inventory-level-2026-01.json").at("responses").at("200");
    runtime::SeededRandom random{44};
    for (int i = 0; i < bends_per_document; ++i) {
        json bent = order;
        bend(bent, random);
        if (const auto view = shipbob::read_order(bent)) (void)wms::to_json(*view).dump();
        bent = cancel;
        bend(bent, random);
        (void)shipbob::read_cancel_answer(bent);
        bent = levels;
        bend(bent, random);
        (void)shipbob::read_inventory(bent);
        (void)shipbob::read_product(bent);
        const std::string body = bent_text(order, random);
        (void)shipbob::problems_in(body);
        EXPECT_TRUE(shipbob::failure_of(shipbob::CallKind::write, peer_answer(422, body)).has_value());
    }
}

}  // namespace
}  // namespace ordersaga::activities
