#include "tests/simulation/table_rows.hpp"

#include "sagas/order_saga.hpp"

#include <map>
#include <tuple>

namespace ordersaga::simulation {

namespace {

using sagas::OrderSaga;
using sagas::TransitionRow;

// (from, event, to): no two rows have the same (a test says so).
using Way = std::tuple<std::string, std::string, std::string>;

const std::map<Way, std::size_t>& ways() {
    static const std::map<Way, std::size_t> all = [] {
        std::map<Way, std::size_t> found;
        for (std::size_t i = 0; i < OrderSaga::table().size(); ++i) {
            const TransitionRow& row = OrderSaga::table()[i];
            found.emplace(Way{row.from, row.event, row.to.empty() ? row.from : row.to}, i);
        }
        return found;
    }();
    return all;
}

}  // namespace

std::optional<std::size_t> row_of(const engine::HistoryRow& step) {
    if (step.details.value("ignored", false)) return std::nullopt;
    const auto found = ways().find({step.from_state, step.details.value("meaning", step.event), step.to_state});
    return found == ways().end() ? std::nullopt : std::optional<std::size_t>(found->second);
}

std::string text_of_row(std::size_t number) {
    const TransitionRow& row = OrderSaga::table()[number];
    return row.from + " -" + row.event + "-> " + (row.to.empty() ? row.from : row.to) + " " + row.action +
           (row.guard.empty() ? "" : " [" + row.guard + "]");
}

}  // namespace ordersaga::simulation
