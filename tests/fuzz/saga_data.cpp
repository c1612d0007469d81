// What is stored of a saga, and what comes in about it: data that cannot be read is told so, and data that can reads back as the
// same.
#include "runtime/json.hpp"
#include "sagas/order_data.hpp"
#include "sagas/order_document.hpp"
#include "sagas/subscriptions.hpp"
#include "tests/fuzz/target.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <stdexcept>
#include <string>

namespace ordersaga::fuzz {
namespace {

using nlohmann::json;

template <class Read>
auto read_or_reason(Read read) -> std::optional<decltype(read())> {
    try {
        return read();
    } catch (const std::invalid_argument& fault) {
        HOLDS(std::string_view(fault.what()).size() > 10);
        return std::nullopt;
    }
}

void check_order(const json& document) {
    const auto order = read_or_reason([&] { return sagas::order_document_from_json(document); });
    if (!order) return;
    const json printed = sagas::to_json(*order);
    HOLDS(sagas::to_json(sagas::order_document_from_json(printed)) == printed);
}

void check_data(const json& document, const json& view) {
    auto data = read_or_reason([&] { return sagas::order_data_from_json(document); });
    if (!data) return;
    const json printed = sagas::to_json(*data);
    HOLDS(sagas::to_json(sagas::order_data_from_json(printed)) == printed);
    static_cast<void>(data->current());
    static_cast<void>(data->next_part());
    static_cast<void>(data->everything_shipped() || data->everything_told() || data->everything_delivered());
    static_cast<void>(data->nothing_wanted());
    for (const sagas::SagaLine& line : data->lines)
        HOLDS(sagas::part_of_reservation(sagas::reservation_of(line)) == line.of_part);
    if (!view.is_object()) return;
    try {
        sagas::ViewNews news = sagas::news_of(*data, view);
        sagas::book_shipments(*data, news);
    } catch (const json::exception&) {
        return;  // the engine parks an outcome whose payload is none
    } catch (const runtime::ErrorException&) {
        return;
    }
    const json after = sagas::to_json(*data);
    HOLDS(sagas::to_json(sagas::order_data_from_json(after)) == after);
}

}  // namespace

void one_input(std::string_view input) {
    const auto parts = sections(input, 2);
    const auto document = runtime::parse_json(parts[0]);
    if (!document) return;
    const auto view = runtime::parse_json(parts[1]);
    check_order(*document);
    check_data(*document, view ? *view : json());
    const sagas::Subscription subscription = sagas::subscription_of_node(*document);
    const auto plan = sagas::compare_subscriptions({subscription}, "https://hooks.example/webhooks/shopify", "2026-07");
    HOLDS(plan.create.size() <= sagas::wanted_topics().size() && plan.remove.size() <= 1);
}

}  // namespace ordersaga::fuzz
