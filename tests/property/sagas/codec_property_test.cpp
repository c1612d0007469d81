// What is stored or sent and read again is what it was: orders, saga data, outcomes.
#include "sagas/order_data.hpp"
#include "sagas/order_document.hpp"
#include "sagas/outcome.hpp"
#include "tests/property/generator.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;
using property::Generator;

template <class T, class Make>
std::vector<T> some(Generator& any, Make make, std::int64_t most = 4) {
    std::vector<T> values;
    for (std::int64_t left = any.number(0, most); left > 0; --left)
        values.push_back(make());
    return values;
}

std::optional<runtime::Instant> perhaps_an_instant(Generator& any) {
    return any.coin() ? std::optional(any.instant()) : std::nullopt;
}

OrderDocument an_order(Generator& any) {
    OrderDocument order;
    order.order_id = any.digits();
    order.name = any.text();
    order.created_at = any.instant();
    order.updated_at = any.instant();
    order.cancelled_at = perhaps_an_instant(any);
    order.cancel_reason = any.text();
    order.financial_status = any.one_of<std::string>({"", "pending", "paid", "partially_refunded", "voided"});
    order.fulfillment_status = any.one_of<std::string>({"", "partial", "fulfilled"});
    order.test = any.coin();
    order.source_name = any.text();
    order.location_id = any.coin() ? any.digits() : "";
    order.email = any.text();
    order.ship_method = any.text();
    if (any.coin()) {
        order.shipping_address = Address{any.text(), any.text(), any.text(), any.text(), any.text(),
                                         any.text(), any.text(), any.text(), any.text()};
    }
    order.lines = some<OrderLine>(any, [&] {
        return OrderLine{
            any.digits(),
            any.coin() ? any.digits() : "",
            any.text(),
            any.number(0, 1'000'000),
            any.number(0, 1'000'000),
            any.number(0, 1'000'000),
            any.coin(),
            any.coin(),
            any.coin()};
    });
    order.refunds = some<Refund>(any, [&] {
        return Refund{any.digits(), some<RefundLine>(any, [&] {
                          return RefundLine{
                              any.digits(), any.number(0, 1'000'000),
                              any.one_of<std::string>({"no_restock", "cancel", "return"}),
                              any.coin() ? any.digits() : ""};
                      })};
    });
    order.fulfillments = some<StoreFulfillment>(any, [&] {
        return StoreFulfillment{any.digits(), any.text(), some<std::string>(any, [&] { return any.text(); })};
    });
    return order;
}

SagaLine a_line(Generator& any) {
    SagaLine line;
    line.line_id = any.digits();
    line.sku = any.text();
    line.wanted = any.number(0, 1'000'000);
    line.parts = some<LinePart>(any, [&] {
        return LinePart{any.number(1, 1'000'000'000), any.text(), any.text(), any.number(1, 100), any.number(0, 100)};
    });
    line.told_shipped = any.number(0, 1'000'000);
    line.of_part = static_cast<int>(any.number(1, 9));
    return line;
}

Fulfillment a_fulfillment(Generator& any) {
    Fulfillment fulfillment;
    fulfillment.part = static_cast<int>(any.number(1, 5));
    fulfillment.generation = static_cast<int>(any.number(1, 50));
    fulfillment.reference = any.text();
    fulfillment.request_key = any.text();
    fulfillment.warehouse_order_id = any.text();
    fulfillment.state = any.one_of<std::string>(
        {"backordered", "reserved", "wanted", "accepted", "cancelled", "refused", "beyond_recall"});
    fulfillment.shipments = some<Shipment>(any, [&] {
        Shipment shipment{any.text(), any.text(), any.text(), any.text(), {}, any.text(), any.coin()};
        for (std::int64_t left = any.number(0, 3); left > 0; --left)
            shipment.lines.emplace_back(any.digits(), any.number(0, 1'000));
        return shipment;
    });
    fulfillment.perhaps_exists = any.coin();
    return fulfillment;
}

OrderData saga_data(Generator& any) {
    OrderData data;
    data.store_id = any.number(1, 1'000'000);
    data.store = any.text();
    data.warehouse_id = any.number(1, 1'000'000);
    data.warehouse = any.text();
    data.order_id = any.digits();
    data.name = any.text();
    data.paid = any.coin();
    data.ship_line = any.text();
    data.ship_method = any.text();
    data.order_policy = any.one_of<std::string>({"hold_and_tell", "cancel_and_refund", "backorder"});
    data.channel_wait_ms = any.number(0, 1'000'000);
    data.hold_expiry_ms = any.number(0, 1'000'000'000);
    data.lines = some<SagaLine>(any, [&] { return a_line(any); });
    data.added = some<SagaLine>(any, [&] { return a_line(any); });
    if (any.coin()) data.wish = {{any.digits(), any.number(1, 1'000)}};
    data.unserved = some<std::string>(any, [&] { return any.text(); });
    data.fulfillments = some<Fulfillment>(any, [&] { return a_fulfillment(any); });
    data.holds = some<std::string>(any, [&] { return any.one_of<std::string>({"unpaid", "unmapped", "operator"}); });
    data.cancel_by = any.one_of<std::string>({"", "customer", "operator", "deleted", "refunded"});
    data.cancel_reason = any.text();
    data.stop_wanted = any.coin();
    if (any.coin()) data.edit = some<SagaLine>(any, [&] { return a_line(any); });
    data.settle_store_order = any.coin();
    data.cause = any.text();
    data.final_state = any.one_of<std::string>({"Compensated", "OutOfStock"});
    data.resume = any.one_of<std::string>({"", "Reserved", "ChannelsSynced"});
    data.wait_until = perhaps_an_instant(any);
    data.hold_until = perhaps_an_instant(any);
    data.deliver_by = perhaps_an_instant(any);
    return data;
}

// The members that the document of a saga must bring back, field by field: equality of two documents alone would not see
// a field that is never written.
void expect_same(const OrderData& a, const OrderData& b) {
    const auto small = [](const OrderData& data) {
        return std::make_tuple(
            data.store_id, data.store, data.warehouse_id, data.warehouse, data.order_id, data.name, data.paid,
            data.ship_line, data.ship_method, data.order_policy, data.channel_wait_ms, data.hold_expiry_ms, data.holds,
            data.cancel_by, data.cancel_reason, data.stop_wanted, data.edit.has_value(), data.settle_store_order,
            data.cause, data.final_state, data.resume, data.wait_until, data.hold_until, data.deliver_by, data.wish,
            data.unserved);
    };
    EXPECT_EQ(small(a), small(b));
    const auto lines = [](const std::vector<SagaLine>& of) {
        std::vector<std::tuple<std::string, std::string, std::int64_t, std::int64_t, int>> all;
        std::vector<std::tuple<std::int64_t, std::string, std::string, std::int64_t, std::int64_t>> parts;
        for (const SagaLine& line : of) {
            all.emplace_back(line.line_id, line.sku, line.wanted, line.told_shipped, line.of_part);
            for (const LinePart& part : line.parts)
                parts.emplace_back(part.sku_id, part.sku, part.warehouse_item_id, part.per_unit, part.shipped);
        }
        return std::make_pair(all, parts);
    };
    EXPECT_EQ(lines(a.lines), lines(b.lines));
    EXPECT_EQ(lines(a.added), lines(b.added));
    EXPECT_EQ(lines(a.edit.value_or(a.lines)), lines(b.edit.value_or(b.lines)));
    ASSERT_EQ(a.fulfillments.size(), b.fulfillments.size());
    for (std::size_t i = 0; i < a.fulfillments.size(); ++i) {
        const auto head = [](const Fulfillment& one) {
            return std::make_tuple(
                one.part, one.generation, one.reference, one.request_key, one.warehouse_order_id, one.state,
                one.perhaps_exists);
        };
        const auto shipments = [](const Fulfillment& one) {
            std::vector<decltype(std::make_tuple(
                Shipment{}.shipment_id, Shipment{}.carrier, Shipment{}.tracking_number, Shipment{}.tracking_url,
                Shipment{}.lines, Shipment{}.store_fulfillment, Shipment{}.delivered))>
                all;
            for (const Shipment& shipment : one.shipments) {
                all.emplace_back(
                    shipment.shipment_id, shipment.carrier, shipment.tracking_number, shipment.tracking_url,
                    shipment.lines, shipment.store_fulfillment, shipment.delivered);
            }
            return all;
        };
        EXPECT_EQ(head(a.fulfillments[i]), head(b.fulfillments[i]));
        EXPECT_EQ(shipments(a.fulfillments[i]), shipments(b.fulfillments[i]));
    }
}

TEST(CodecProperty, AnOrderIsReadAsItWasWritten) {
    property::under_seeds(3000, [](Generator& any) {
        const OrderDocument order = an_order(any);
        EXPECT_EQ(order_document_from_json(json::parse(to_json(order).dump())), order) << to_json(order);
    });
}

TEST(CodecProperty, SagaDataIsReadAsItWasWritten) {
    property::under_seeds(2000, [](Generator& any) {
        const OrderData data = saga_data(any);
        const std::string written = to_json(data).dump();
        const OrderData read = order_data_from_json(json::parse(written));
        expect_same(read, data);
        EXPECT_EQ(to_json(read).dump(), written);
    });
}

TEST(CodecProperty, AnOutcomeIsReadAsItWasWritten) {
    property::under_seeds(3000, [](Generator& any) {
        Outcome outcome;
        outcome.kind = static_cast<OutcomeKind>(any.number(0, 6));
        outcome.reason = any.text();
        if (outcome.kind == OutcomeKind::throttled && any.coin())
            outcome.retry_after = std::chrono::milliseconds(any.number(0, 100'000));
        outcome.payload = {{"text", any.text()}, {"number", any.number(-5, 5)}};
        if (any.coin()) outcome.tokens_left = static_cast<double>(any.number(0, 1'000));
        if (any.coin()) outcome.tokens_per_second = static_cast<double>(any.number(1, 1'000));
        if (any.coin()) outcome.tokens_capacity = static_cast<double>(any.number(1, 1'000));

        const Outcome read = outcome_from_json(json::parse(to_json(outcome).dump()));

        EXPECT_EQ(read.kind, outcome.kind);
        EXPECT_EQ(read.reason, outcome.reason);
        EXPECT_EQ(read.retry_after, outcome.retry_after);
        EXPECT_EQ(read.payload, outcome.payload);
        EXPECT_EQ(read.tokens_left, outcome.tokens_left);
        EXPECT_EQ(read.tokens_per_second, outcome.tokens_per_second);
        EXPECT_EQ(read.tokens_capacity, outcome.tokens_capacity);
    });
}

// Whatever is taken out of a stored document or turned into something else: read, or refused in the one way that the
// caller expects.
TEST(CodecProperty, ADamagedDocumentIsReadOrRefusedAndNothingElse) {
    property::under_seeds(3000, [](Generator& any) {
        const json whole = to_json(an_order(any));
        const json flat = whole.flatten();
        json damaged = whole;
        auto place = flat.begin();
        std::advance(place, any.number(0, static_cast<std::int64_t>(flat.size()) - 1));
        damaged[json::json_pointer(place.key())] =
            any.one_of<json>({nullptr, -1, 1.5, "", "text", json::array(), json::object(), true, 1e300});
        try {
            const OrderDocument read = order_document_from_json(damaged);
            EXPECT_EQ(order_document_from_json(to_json(read)), read);
        } catch (const std::invalid_argument& fault) {
            EXPECT_STRNE(fault.what(), "");
        }
    });
}

}  // namespace
}  // namespace ordersaga::sagas
