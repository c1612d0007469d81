#include "orchestrator/cli/foreign_orders.hpp"

#include "orchestrator/cli/lenient_json.hpp"
#include "orchestrator/cli/table.hpp"
#include "runtime/http_client.hpp"
#include "runtime/json.hpp"
#include "runtime/url.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

namespace ordersaga::cli {
namespace {

using nlohmann::json;

constexpr std::size_t warehouse_page = 250;
constexpr std::size_t most_order_pages = 20;

runtime::HttpOutcome ask(const std::string& url, const std::string& token) {
    boost::asio::io_context context;
    runtime::HttpClientOptions options;
    options.user_agent = "sagactl/0.1";
    runtime::HttpClient client(context.get_executor(), options);
    runtime::HttpCall call;
    call.url = url;
    // Without the channel's header: the orders of all channels of the merchant.
    call.headers = {{"Authorization", "Bearer " + token}, {"Accept", "application/json"}};
    runtime::HttpOutcome outcome;
    boost::asio::co_spawn(
        context, client.send(std::move(call)), [&](const std::exception_ptr& fault, runtime::HttpOutcome answer) {
            if (fault) std::rethrow_exception(fault);
            outcome = std::move(answer);
        });
    while (!outcome.is_response() && outcome.error.empty() && context.run_one() > 0) {
    }
    return outcome;
}

}  // namespace

std::optional<std::vector<db::StandingOrder>> read_standing_orders(std::string_view body) {
    const runtime::Result<json> page = runtime::parse_json(body, {.depth = 64, .elements = 1'000'000});
    if (!page || !page->is_array()) return std::nullopt;
    std::vector<db::StandingOrder> orders;
    for (const json& entry : *page) {
        if (!entry.is_object()) return std::nullopt;
        db::StandingOrder order;
        order.reference = text_of(member(entry, "reference_id"));
        order.number = text_of(member(entry, "order_number"));
        order.channel = text_of(member(member(entry, "channel"), "name"));
        orders.push_back(std::move(order));
    }
    return orders;
}

StandingOrders fetch_standing_orders(
    const db::CalledWarehouse& warehouse,
    const std::string& token,
    runtime::Instant since) {
    StandingOrders found;
    const std::string list = warehouse.base_url + "/" + warehouse.api_version +
                             "/order?SortOrder=Oldest&Limit=" + std::to_string(warehouse_page) +
                             "&LastUpdateStartDate=" + runtime::percent_encode(runtime::format_rfc3339(since)) +
                             "&Page=";
    for (std::size_t page = 1; page <= most_order_pages; ++page) {
        const runtime::HttpOutcome outcome = ask(list + std::to_string(page), token);
        std::optional<std::vector<db::StandingOrder>> orders;
        if (outcome.is_response() && outcome.status == 200) orders = read_standing_orders(outcome.body);
        if (!orders) {
            found.unread = !outcome.is_response()  ? printable(outcome.error)
                           : outcome.status == 200 ? "the warehouse answered with something else than orders"
                                                   : "the warehouse answered " + std::to_string(outcome.status);
            return found;
        }
        found.orders.insert(found.orders.end(), orders->begin(), orders->end());
        if (orders->size() < warehouse_page) return found;
    }
    found.all = false;
    return found;
}

}  // namespace ordersaga::cli
