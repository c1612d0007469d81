#include "activities/shopify/order_poll.hpp"

#include "activities/lenient_json.hpp"
#include "activities/shopify/orders.hpp"
#include "activities/shopify/store_activities.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace ordersaga::activities::shopify {

using boost::asio::awaitable;
using nlohmann::json;
using runtime::Instant;
using sagas::Outcome;
using sagas::OutcomeKind;

namespace {

// An outcome travels in one message of at most 256 KiB, sealed, which makes four bytes of three; what does not fit is left
// to the next poll.
constexpr std::size_t most_order_bytes = 165 * 1024;
constexpr std::size_t most_stamp_bytes = most_order_bytes - 40 * 1024;  // a page of stamps is not taken in part
constexpr int documents_per_page = 25;
constexpr int stamps_per_page = 250;  // the store's own limit
constexpr int most_pages = 200;

// The store's search compares whole seconds; rounding down reads a little more, never less.
std::string search_since(Instant since) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(since);
    return "updated_at:>='" + runtime::format_rfc3339(Instant(whole)) + "'";
}

// A list that the store would have to charge for beyond what a query may cost is asked for in smaller pages.
bool costs_too_much(const Answer& answer) {
    return answer.verdict == Verdict::refused && answer.code == "MAX_COST_EXCEEDED";
}

std::size_t size_of(const sagas::OrderDocument& order) {
    return to_json(order).dump(-1, ' ', false, json::error_handler_t::replace).size() + 1;
}

// False when the order has to be read alone, because a list in it was cut.
bool take(const json& node, int refunds_asked_for, Poll& poll) {
    if (is_cut(node, refunds_asked_for)) {
        return false;
    }
    try {
        poll.orders.push_back(order_of_node(node));
    } catch (const std::invalid_argument& fault) {
        poll.unreadable.push_back({number_of_gid(text_of(node, "id")), fault.what()});
    }
    return true;
}

awaitable<void> read_alone(const StoreClient& store, std::string id, Poll& poll, CallScope& scope) {
    json variables{{"id", id}};
    const Answer answer = co_await store.ask(order_by_id, std::move(variables), scope);
    if (answer.verdict != Verdict::ok) {
        poll.failure = failed(order_by_id, answer);
        co_return;
    }
    // A null root: deleted since the list was made.
    if (!answer.root.is_null() && !take(answer.root, single_order_refunds, poll)) {
        poll.unreadable.push_back({number_of_gid(id), "it has more parts than one answer holds"});
    }
}

// How many of the nodes are in the poll now: all of them, unless it failed or is full.
awaitable<std::size_t> take_documents(
    const StoreClient& store,
    const json& nodes,
    Poll& poll,
    std::size_t& bytes,
    CallScope& scope) {
    std::size_t taken = 0;
    for (; taken < nodes.size(); ++taken) {
        const json& node = nodes[taken];
        const std::size_t before = poll.orders.size();
        if (!node.is_null() && !take(node, listed_order_refunds, poll)) {
            co_await read_alone(store, text_of(node, "id"), poll, scope);
        }
        if (poll.failure) {
            break;
        }
        if (poll.orders.size() == before) {
            continue;
        }
        bytes += size_of(poll.orders.back());
        if (bytes > most_order_bytes && poll.orders.size() > 1) {
            poll.orders.pop_back();
            break;
        }
        poll.until = std::max(poll.until, poll.orders.back().updated_at);
    }
    co_return taken;
}

void take_stamps(const json& nodes, Poll& poll, std::size_t& bytes) {
    for (const json& node : nodes) {
        std::string id = number_of_gid(text_of(node, "id"));
        std::string stamp = stamp_of_node(node);
        bytes += id.size() + stamp.size() + sizeof R"("":"",)";
        if (const auto updated = runtime::parse_rfc3339(text_of(node, "updatedAt"))) {
            poll.until = std::max(poll.until, *updated);
        }
        poll.seen[std::move(id)] = std::move(stamp);
    }
}

}  // namespace

awaitable<Poll> poll_since(const StoreClient& store, Detail detail, Instant since, json after, CallScope& scope) {
    const Document& list = detail == Detail::stamps ? order_stamps_since : orders_since;
    Poll poll;
    poll.until = since;
    poll.resume_after = after;
    int page_size = detail == Detail::stamps ? stamps_per_page : documents_per_page;
    std::size_t bytes = 0;
    for (int page = 0; page < most_pages && bytes <= most_stamp_bytes; ++page) {
        json variables{{"query", search_since(since)}, {"first", page_size}, {"after", poll.resume_after}};
        const Answer answer = co_await store.ask(list, std::move(variables), scope);
        if (costs_too_much(answer) && page_size > 1) {
            page_size /= 2;
            continue;
        }
        if (answer.verdict != Verdict::ok || answer.root.is_null()) {
            poll.failure = failed(list, answer);
            co_return poll;
        }
        const List nodes(answer.root);
        if (detail == Detail::stamps) {
            take_stamps(nodes.elements(), poll, bytes);
        } else {
            const std::size_t taken = co_await take_documents(store, nodes.elements(), poll, bytes, scope);
            if (taken < nodes.size()) {
                co_return poll;
            }
        }
        const json& info = member(answer.root, "pageInfo");
        if (!flag_of(info, "hasNextPage")) {
            poll.complete = true;
            co_return poll;
        }
        poll.resume_after = text_of(info, "endCursor");
    }
    co_return poll;
}

awaitable<Poll> read_orders(const StoreClient& store, std::vector<std::string> order_ids, CallScope& scope) {
    Poll poll;
    std::size_t page_size = documents_per_page, bytes = 0, next = 0;
    while (next < order_ids.size() && !poll.failure) {
        const std::size_t asked = std::min(page_size, order_ids.size() - next);
        json ids = json::array();
        for (std::size_t i = next; i < next + asked; ++i) {
            ids.push_back(gid("Order", order_ids[i]));
        }
        json variables{{"ids", std::move(ids)}};
        const Answer answer = co_await store.ask(orders_by_id, std::move(variables), scope);
        if (costs_too_much(answer) && page_size > 1) {
            page_size /= 2;
            continue;
        }
        if (answer.verdict != Verdict::ok) {
            poll.failure = failed(orders_by_id, answer);
            break;
        }
        if (!answer.root.is_array() || answer.root.size() != asked) {
            poll.failure = Outcome{};
            poll.failure->kind = OutcomeKind::retryable;
            poll.failure->reason = "nodes: not one answer for each order that was asked for";
            break;
        }
        const std::size_t taken = co_await take_documents(store, answer.root, poll, bytes, scope);
        next += taken;
        if (taken < asked) {
            break;
        }
    }
    poll.unread.assign(order_ids.begin() + static_cast<std::ptrdiff_t>(next), order_ids.end());
    co_return poll;
}

awaitable<Poll> read_single(const StoreClient& store, std::string order_id, CallScope& scope) {
    Poll poll;
    co_await read_alone(store, gid("Order", order_id), poll, scope);
    co_return poll;
}

json documents_of(const std::vector<sagas::OrderDocument>& orders) {
    json documents = json::array();
    for (const sagas::OrderDocument& order : orders) {
        documents.push_back(to_json(order));
    }
    return documents;
}

json to_json(const std::vector<Unreadable>& orders) {
    json list = json::array();
    for (const Unreadable& order : orders) {
        list.push_back({{"order_id", order.order_id}, {"reason", order.reason}});
    }
    return list;
}

}  // namespace ordersaga::activities::shopify
