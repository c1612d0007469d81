#include "tests/simulation/people.hpp"

#include <algorithm>

namespace ordersaga::simulation {

using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr std::array<const char*, deed_count> deed_names{
    "pays",
    "cancels",
    "takes-back",
    "takes-addition-back",
    "adds",
    "adds-beyond-stock",
    "sends-elsewhere",
    "holds",
    "lets-go",
    "ends",
    "retries",
    "loses",
    "gets-into-trouble",
    "refuses"};

}  // namespace

const char* name_of(Deed deed) {
    return deed_names[static_cast<std::size_t>(deed)];
}

std::string prefix_of(const Shop& shop, const std::string& order) {
    return shop.key() + "." + order + ".";
}

People::Basket People::basket(const Shop& shop, Draw& draw) const {
    std::vector<std::string> variants;
    for (const auto& [id, item] : shop.items()) {
        if (item.listed) variants.push_back(item.variant_id);
    }
    Basket lines;
    const std::size_t count = draw.chance(0.4) ? 2 : 1;
    for (std::size_t i = 0; i < count; ++i)
        lines.emplace_back(draw.one_of(variants), draw.chance(0.2) ? 2 : 1);
    if (draw.chance(0.02)) lines.emplace_back("59999", 1);
    return lines;
}

void People::tell(const Shop& shop, const std::string& order, sagas::Event event) {
    const sim::SimTables& tables = world_.tables();
    const orders::OrderRow* row = tables.orders.find({merchant, shop.id(), order});
    if (row == nullptr || row->saga_id.empty()) return;
    event.cause = "operator";
    world_.tell({merchant, row->saga_id}, std::move(event));
}

void People::misfortune(Fault fault, const std::string& prefix, Draw& draw) {
    std::vector<std::string> open;
    for (const auto& [reference, order] : world_.warehouse().orders()) {
        const bool possible =
            !order.cancelled && (fault == Fault::warehouse_cancels ? !order.some_shipped() : !order.all_shipped());
        if (possible && reference.starts_with(prefix)) open.push_back(reference);
    }
    if (open.empty() || !world_.weather().strikes(fault)) return;
    const std::string reference = draw.one_of(open);
    world_.trace().line(std::string(name_of(fault)) + " " + reference);
    if (fault == Fault::warehouse_cancels) {
        world_.warehouse().cancel_by_itself(reference);
    } else {
        world_.warehouse().trouble(reference, draw.time_between(seconds(30), minutes(3)));
    }
}

void People::act(Deed deed, Shop& shop, const std::string& order, Draw& draw) {
    world_.trace().line(shop.key() + " order " + order + ": somebody " + name_of(deed));
    const std::size_t lines = shop.orders().at(order).document.lines.size();
    switch (deed) {
        case Deed::pays: shop.pay(order); break;
        case Deed::cancels: shop.cancel(order, draw.chance(0.5)); break;
        case Deed::takes_back: shop.refund(order, 0, 1, draw.chance(0.5)); break;
        case Deed::takes_addition_back:
            if (lines > 1) shop.refund(order, lines - 1, 1, draw.chance(0.5));
            break;
        case Deed::adds: shop.add(order, basket(shop, draw).front().first, 1, false); break;
        case Deed::adds_beyond_stock: {
            // Half of the time what may wait for its stock.
            const bool waits = draw.chance(0.5);
            const auto caps = std::find_if(
                shop.items().begin(), shop.items().end(), [](const auto& item) { return item.second.sku == "CAP"; });
            shop.add(order, waits ? caps->second.variant_id : basket(shop, draw).front().first, 1, true);
            break;
        }
        case Deed::sends_elsewhere: shop.send_elsewhere(order); break;
        case Deed::holds: tell(shop, order, {"HoldPlaced", {{"reason", "looks like fraud"}}, ""}); break;
        case Deed::lets_go: {
            // His own hold, or one that is not his to judge.
            static const std::vector<std::string> reasons = {
                "operator", "operator", "unpaid", "unmapped", "no_address"};
            tell(shop, order, {"HoldReleased", {{"reason", draw.one_of(reasons)}}, ""});
            break;
        }
        case Deed::ends: tell(shop, order, {"CancelRequested", {{"by", "operator"}, {"reason", "a call"}}, ""}); break;
        case Deed::retries: tell(shop, order, {"OperatorRetried", nlohmann::json::object(), ""}); break;
        case Deed::loses: misfortune(Fault::warehouse_cancels, prefix_of(shop, order), draw); break;
        case Deed::gets_into_trouble: misfortune(Fault::warehouse_in_trouble, prefix_of(shop, order), draw); break;
        case Deed::refuses:
            if (world_.weather().strikes(Fault::refused)) world_.warehouse().turn_away(prefix_of(shop, order));
            break;
        case Deed::count: break;
    }
}

}  // namespace ordersaga::simulation
