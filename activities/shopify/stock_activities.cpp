// FlushStock and QuietRead; PollOrders and ReadOrder, because a quiet read is a poll between two reads.
#include "activities/call_scope.hpp"
#include "activities/lenient_json.hpp"
#include "activities/shopify/order_poll.hpp"
#include "activities/shopify/store_activities.hpp"
#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace ordersaga::activities::shopify {

using boost::asio::awaitable;
using nlohmann::json;
using runtime::Instant;
using sagas::Outcome;
using sagas::OutcomeKind;

namespace {

constexpr std::size_t levels_per_call = 100;

Instant instant_in(const json& payload, std::string_view key) {
    const std::string text = runtime::get_text(payload, key, "payload").value();
    return runtime::parse_rfc3339(text).value();
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
    for (const json& quantity : List(member(level, "quantities"))) {
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
            for (const json& item : List(answer.root)) {
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

namespace {

// What an orchestrator of the release before asks for tells each order with its document.
Detail detail_of(const json& payload) {
    return flag_of(payload, "stamps") ? Detail::stamps : Detail::documents;
}

void put_orders(Poll& poll, Detail detail, json& into) {
    if (detail == Detail::stamps) {
        into["seen"] = std::move(poll.seen);
    } else {
        into["orders"] = documents_of(poll.orders);
    }
}

std::vector<std::string> order_ids_of(const json& payload) {
    std::vector<std::string> ids;
    for (const json& id : *runtime::get_array(payload, "order_ids", "payload").value()) {
        ids.push_back(text_of(id));
    }
    return ids;
}

}  // namespace

awaitable<Outcome> StoreActivities::poll_orders(const json& payload, CallScope& scope) const {
    if (payload.contains("order_ids")) {
        co_return co_await read_several(payload, scope);
    }
    const Instant since = instant_in(payload, "orders_since");
    // A poll that did not fit goes on by the store's cursor: instants cannot tell orders of one second apart.
    json after;
    if (const std::string cursor = text_of(payload, "after"); !cursor.empty()) after = cursor;
    const Detail detail = detail_of(payload);
    Poll poll = co_await poll_since(store_, detail, since, std::move(after), scope);
    if (poll.failure && poll.orders.empty() && poll.seen.empty()) {
        co_return *poll.failure;
    }
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    if (poll.failure) outcome.reason = poll.failure->reason;
    outcome.payload = {{"polled_until", runtime::format_rfc3339(poll.until)}, {"complete", poll.complete}};
    put_orders(poll, detail, outcome.payload);
    if (!poll.complete && !poll.resume_after.is_null()) outcome.payload["after"] = poll.resume_after;
    if (!poll.unreadable.empty()) outcome.payload["unreadable"] = to_json(poll.unreadable);
    co_return outcome;
}

awaitable<Outcome> StoreActivities::read_several(const json& payload, CallScope& scope) const {
    const Poll poll = co_await read_orders(store_, order_ids_of(payload), scope);
    if (poll.failure && poll.orders.empty() && poll.unreadable.empty()) {
        co_return *poll.failure;
    }
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    if (poll.failure) outcome.reason = poll.failure->reason;
    if (const json& list = member(payload, "list"); list.is_object()) outcome.payload = list;
    outcome.payload["orders"] = documents_of(poll.orders);
    if (!poll.unread.empty()) outcome.payload["unread"] = poll.unread;
    if (!poll.unreadable.empty()) outcome.payload["unreadable"] = to_json(poll.unreadable);
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
    const Detail detail = detail_of(payload);
    Poll poll = co_await poll_since(store_, detail, since, after, scope);
    const bool got_on = !poll.resume_after.is_null() && poll.resume_after != after;
    if (poll.failure && !got_on) {
        co_return *poll.failure;
    }
    Outcome outcome;
    if (!poll.unreadable.empty() || (!poll.complete && !got_on)) {
        outcome.kind = OutcomeKind::retryable;
        outcome.reason = poll.unreadable.empty() ? "the store's orders are larger than one message holds"
                                                 : "order " + poll.unreadable.front().order_id +
                                                       " cannot be read: " + poll.unreadable.front().reason;
        co_return outcome;
    }
    outcome.kind = OutcomeKind::done;
    if (poll.complete) {
        json second;
        failure = co_await read_available(store_, listings, second, scope);
        if (failure) {
            co_return *failure;
        }
        outcome.payload = {{"second", std::move(second)}, {"polled_until", runtime::format_rfc3339(poll.until)}};
    } else {
        outcome.payload["after"] = poll.resume_after;
    }
    outcome.payload["first"] = std::move(first);
    put_orders(poll, detail, outcome.payload);
    co_return outcome;
}

awaitable<Outcome> StoreActivities::read_order(const json& payload, CallScope& scope) const {
    const Poll single =
        co_await read_single(store_, runtime::get_id_text(payload, "order_id", "payload").value(), scope);
    if (single.failure) {
        co_return *single.failure;
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
