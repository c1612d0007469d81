// FlushStock and QuietRead; PollOrders and ReadOrder, because a quiet read is a poll between two reads.
#include "activities/call_scope.hpp"
#include "activities/lenient_json.hpp"
#include "activities/shopify/orders.hpp"
#include "activities/shopify/store_activities.hpp"
#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

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
constexpr std::size_t levels_per_call = 100;
constexpr int first_page_size = 25;
constexpr int most_pages = 200;

Instant instant_in(const json& payload, std::string_view key) {
    const std::string text = runtime::get_text(payload, key, "payload").value();
    return runtime::parse_rfc3339(text).value();
}

// The store's search compares whole seconds; rounding down reads a little more, never less.
std::string search_since(Instant since) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(since);
    return "updated_at:>='" + runtime::format_rfc3339(Instant(whole)) + "'";
}

// An order that breaks our rules. It must not stop the poll of all others, so it is told apart.
struct Unreadable {
    std::string order_id, reason;
};

struct Poll {
    std::vector<sagas::OrderDocument> orders;
    std::vector<Unreadable> unreadable;
    Instant until{};
    bool complete = false;
    json resume_after;               // incomplete: the store's cursor to go on from; null: from the beginning
    std::optional<Outcome> failure;  // of the first page that failed; earlier pages stay valid
};

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

awaitable<std::optional<Outcome>> read_alone(const StoreClient& store, std::string id, Poll& poll, CallScope& scope) {
    json variables{{"id", id}};
    const Answer answer = co_await store.ask(order_by_id, std::move(variables), scope);
    if (answer.verdict != Verdict::ok) {
        co_return failed(order_by_id, answer);
    }
    // A null root: deleted since the list was made.
    if (!answer.root.is_null() && !take(answer.root, single_order_refunds, poll)) {
        poll.unreadable.push_back({number_of_gid(id), "it has more parts than one answer holds"});
    }
    co_return std::nullopt;
}

std::size_t size_of(const sagas::OrderDocument& order) {
    return to_json(order).dump(-1, ' ', false, json::error_handler_t::replace).size() + 1;
}

// One page of orders into the poll. True when the poll must end here.
awaitable<bool> take_page(
    const StoreClient& store,
    const json& nodes,
    Poll& poll,
    std::size_t& bytes,
    CallScope& scope) {
    for (const json& node : nodes) {
        const std::size_t before = poll.orders.size();
        if (!take(node, listed_order_refunds, poll)) {
            std::optional<Outcome> failure = co_await read_alone(store, text_of(node, "id"), poll, scope);
            if (failure) {
                poll.failure = std::move(failure);
                co_return true;
            }
        }
        if (poll.orders.size() == before) {
            continue;
        }
        bytes += size_of(poll.orders.back());
        if (bytes > most_order_bytes && poll.orders.size() > 1) {
            poll.orders.pop_back();
            co_return true;
        }
        // The store's own stamps, in their order: whatever changes later carries a later one.
        poll.until = std::max(poll.until, poll.orders.back().updated_at);
    }
    co_return false;
}

awaitable<Poll> poll_since(const StoreClient& store, Instant since, json after, CallScope& scope) {
    Poll poll;
    poll.until = since;
    int page_size = first_page_size;
    std::size_t bytes = 0;
    for (int page = 0; page < most_pages; ++page) {
        poll.resume_after = after;
        json variables{{"query", search_since(since)}, {"first", page_size}, {"after", after}};
        const Answer answer = co_await store.ask(orders_since, std::move(variables), scope);
        if (answer.verdict == Verdict::refused && answer.code == "MAX_COST_EXCEEDED" && page_size > 1) {
            page_size /= 2;
            continue;
        }
        if (answer.verdict != Verdict::ok || answer.root.is_null()) {
            poll.failure = failed(orders_since, answer);
            co_return poll;
        }
        const json nodes = list_of(answer.root);
        const bool ended = co_await take_page(store, nodes, poll, bytes, scope);
        if (ended) {
            co_return poll;
        }
        const json& info = member(answer.root, "pageInfo");
        if (!flag_of(info, "hasNextPage")) {
            poll.complete = true;
            co_return poll;
        }
        after = text_of(info, "endCursor");
    }
    co_return poll;
}

json documents_of(const std::vector<sagas::OrderDocument>& orders) {
    json documents = json::array();
    for (const sagas::OrderDocument& order : orders) {
        documents.push_back(to_json(order));
    }
    return documents;
}

struct Listing {
    std::string listing_id, item_gid, location_gid;
};

std::vector<Listing> listings_of(const json& payload) {
    std::vector<Listing> listings;
    for (const json& entry : *runtime::get_array(payload, "listings", "payload").value()) {
        listings.push_back(
            {runtime::get_id_text(entry, "listing_id", "listing").value(),
             gid("InventoryItem", runtime::get_id_text(entry, "inventory_item_id", "listing").value()),
             gid("Location", runtime::get_id_text(entry, "location_id", "listing").value())});
    }
    return listings;
}

json available_of(const json& item) {
    const json& level = member(item, "inventoryLevel");
    if (!flag_of(item, "tracked", true) || !flag_of(level, "isActive", true)) {
        return nullptr;
    }
    for (const json& quantity : list_of(member(level, "quantities"))) {
        if (text_of(quantity, "name") == "available") {
            const auto value = integer_of(quantity, "quantity");
            return value ? json(*value) : json();
        }
    }
    return nullptr;
}

// What the store shows for each listing now; null: it shows no figure.
awaitable<std::optional<Outcome>> read_available(
    const StoreClient& store,
    const std::vector<Listing>& listings,
    json& figures,
    CallScope& scope) {
    figures = json::object();
    std::map<std::string, std::vector<Listing>> by_location;
    for (const Listing& listing : listings) {
        by_location[listing.location_gid].push_back(listing);
        figures[listing.listing_id] = nullptr;
    }
    for (const auto& [location, group] : by_location) {
        for (std::size_t begin = 0; begin < group.size(); begin += levels_per_call) {
            const std::size_t end = std::min(begin + levels_per_call, group.size());
            json ids = json::array();
            for (std::size_t i = begin; i < end; ++i) {
                ids.push_back(group[i].item_gid);
            }
            json variables{{"ids", std::move(ids)}, {"locationId", location}};
            const Answer answer = co_await store.ask(read_levels, std::move(variables), scope);
            if (answer.verdict != Verdict::ok) {
                co_return failed(read_levels, answer);
            }
            std::map<std::string, json> by_item;
            for (const json& item : list_of(answer.root)) {
                by_item[text_of(item, "id")] = available_of(item);
            }
            for (std::size_t i = begin; i < end; ++i) {
                const auto found = by_item.find(group[i].item_gid);
                if (found != by_item.end()) figures[group[i].listing_id] = found->second;
            }
        }
    }
    co_return std::nullopt;
}

json refused_rows(const FlushResult& result) {
    json rows = json::array();
    for (const RefusedRow& row : result.refused) {
        rows.push_back({{"index", row.index}, {"code", row.code}, {"message", row.message}});
    }
    return rows;
}

}  // namespace

awaitable<Outcome> StoreActivities::flush_stock(const json& payload, CallScope& scope) const {
    const std::string body = runtime::get_text(payload, "body", "payload").value();
    const std::optional<std::vector<FlushRow>> rows = rows_of_request(body);
    if (!rows) {
        throw runtime::ErrorException(runtime::invalid("payload.body is not an inventoryAdjustQuantities request"));
    }
    const Answer answer = co_await store_.send(adjust_stock, body, scope);
    if (answer.verdict != Verdict::ok && answer.verdict != Verdict::user_errors) {
        co_return failed(adjust_stock, answer);
    }
    const FlushResult result = settle_flush(*rows, answer);
    Outcome outcome;
    outcome.reason = result.reason;
    outcome.payload = {{"applied", result.applied}, {"uncertain", result.uncertain}, {"refused", refused_rows(result)}};
    switch (result.kind) {
        case FlushResult::Kind::settled: outcome.kind = OutcomeKind::done; break;
        case FlushResult::Kind::in_flight: outcome.kind = OutcomeKind::unknown; break;
        case FlushResult::Kind::failed: outcome.kind = OutcomeKind::retryable; break;
        case FlushResult::Kind::broken: outcome.kind = OutcomeKind::refused; break;
    }
    co_return outcome;
}

awaitable<Outcome> StoreActivities::poll_orders(const json& payload, CallScope& scope) const {
    const Instant since = instant_in(payload, "orders_since");
    // A poll that did not fit goes on by the store's cursor: instants cannot tell orders of one second apart.
    json after;
    if (const std::string cursor = text_of(payload, "after"); !cursor.empty()) after = cursor;
    const Poll poll = co_await poll_since(store_, since, std::move(after), scope);
    if (poll.failure && poll.orders.empty()) {
        co_return *poll.failure;
    }
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    if (poll.failure) outcome.reason = poll.failure->reason;
    outcome.payload = {
        {"orders", documents_of(poll.orders)},
        {"polled_until", runtime::format_rfc3339(poll.until)},
        {"complete", poll.complete}};
    if (!poll.complete && !poll.resume_after.is_null()) outcome.payload["after"] = poll.resume_after;
    for (const Unreadable& order : poll.unreadable) {
        outcome.payload["unreadable"].push_back({{"order_id", order.order_id}, {"reason", order.reason}});
    }
    co_return outcome;
}

awaitable<Outcome> StoreActivities::quiet_read(const json& payload, CallScope& scope) const {
    const std::vector<Listing> listings = listings_of(payload);
    const Instant since = instant_in(payload, "orders_since");
    // A read that goes on has had its first look; the orders follow from where the last message ended.
    json first = member(payload, "first");
    json after;
    if (const std::string cursor = text_of(payload, "after"); !cursor.empty()) after = cursor;
    std::optional<Outcome> failure;
    if (!first.is_object()) {
        failure = co_await read_available(store_, listings, first, scope);
        if (failure) {
            co_return *failure;
        }
    }
    const Poll poll = co_await poll_since(store_, since, after, scope);
    const bool got_on = !poll.resume_after.is_null() && poll.resume_after != after;
    if (poll.failure && !got_on) {
        co_return *poll.failure;
    }
    if (!poll.unreadable.empty() || (!poll.complete && !got_on)) {
        Outcome outcome;
        outcome.kind = OutcomeKind::retryable;
        outcome.reason = poll.unreadable.empty() ? "the store's orders are larger than one message holds"
                                                 : "order " + poll.unreadable.front().order_id +
                                                       " cannot be read: " + poll.unreadable.front().reason;
        co_return outcome;
    }
    if (!poll.complete) {
        Outcome outcome;
        outcome.kind = OutcomeKind::done;
        outcome.payload = {
            {"first", std::move(first)}, {"orders", documents_of(poll.orders)}, {"after", poll.resume_after}};
        co_return outcome;
    }
    json second;
    failure = co_await read_available(store_, listings, second, scope);
    if (failure) {
        co_return *failure;
    }
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    outcome.payload = {
        {"first", std::move(first)},
        {"orders", documents_of(poll.orders)},
        {"second", std::move(second)},
        {"polled_until", runtime::format_rfc3339(poll.until)}};
    co_return outcome;
}

awaitable<Outcome> StoreActivities::read_order(const json& payload, CallScope& scope) const {
    const std::string id = gid("Order", runtime::get_id_text(payload, "order_id", "payload").value());
    Poll single;
    const std::optional<Outcome> failure = co_await read_alone(store_, id, single, scope);
    if (failure) {
        co_return *failure;
    }
    Outcome outcome;
    if (!single.unreadable.empty()) {
        outcome.kind = OutcomeKind::refused;
        outcome.reason = "the order cannot be read: " + single.unreadable.front().reason;
        outcome.payload["messages"] = json::array({outcome.reason});
        co_return outcome;
    }
    outcome.kind = OutcomeKind::done;
    outcome.payload["order"] = single.orders.empty() ? json() : to_json(single.orders.front());
    co_return outcome;
}

}  // namespace ordersaga::activities::shopify
