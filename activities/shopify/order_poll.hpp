// Reading the orders of a store: which have changed since an instant, and their documents.
//
// Most of what a poll finds is known already, by webhook or by the poll before. So a poll asks for stamps
// (sagas::stamp_of) in large pages; the documents are read of those orders whose stamp is news, in small ones.
// Thread: coroutines on the caller's executor; no state between calls.
// Errors: in `failure`; what was read before it stays valid.
// Repeat: safe, these only read.
#pragma once

#include "activities/call_scope.hpp"
#include "activities/shopify/store_client.hpp"
#include "runtime/clock.hpp"
#include "sagas/order_document.hpp"
#include "sagas/outcome.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ordersaga::activities::shopify {

// An order that breaks our rules. It must not stop the poll of all others, so it is told apart.
struct Unreadable {
    std::string order_id, reason;
};

struct Poll {
    nlohmann::json seen = nlohmann::json::object();  // stamps by order id
    std::vector<sagas::OrderDocument> orders;
    std::vector<Unreadable> unreadable;
    std::vector<std::string> unread;  // ids for which one message has no room
    runtime::Instant until{};  // the latest of the store's own stamps: whatever changes later carries a later one
    bool complete = false;
    nlohmann::json resume_after;            // incomplete: the store's cursor to go on from; null: from the beginning
    std::optional<sagas::Outcome> failure;  // of the first page that failed
};

enum class Detail { stamps, documents };

[[nodiscard]] boost::asio::awaitable<Poll> poll_since(
    const StoreClient& store,
    Detail detail,
    runtime::Instant since,
    nlohmann::json after,
    CallScope& scope);

// Orders that the store has not any more are left out.
[[nodiscard]] boost::asio::awaitable<Poll> read_orders(
    const StoreClient& store,
    std::vector<std::string> order_ids,
    CallScope& scope);

// With all its parts, however many; none when the store has it not any more.
[[nodiscard]] boost::asio::awaitable<Poll> read_single(
    const StoreClient& store,
    std::string order_id,
    CallScope& scope);

[[nodiscard]] nlohmann::json documents_of(const std::vector<sagas::OrderDocument>& orders);
[[nodiscard]] nlohmann::json to_json(const std::vector<Unreadable>& orders);

}  // namespace ordersaga::activities::shopify
