// The activities of the shopify family, as sagas/activities.hpp lists them.
//
// Purpose: from a command's payload to its outcome at one store. One attempt each: what is in doubt is reported, not
// tried again here.
// Thread: coroutines on the caller's executor; no state between calls.
// Errors: runtime::ErrorException for a payload that breaks the contract; everything else is an outcome.
// Repeat: safe. FlushStock repeats under its key; the other writes read what is there before they write.
#pragma once

#include "activities/shopify/store_client.hpp"
#include "sagas/outcome.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <string_view>

namespace ordersaga::activities::shopify {

class StoreActivities {
public:
    explicit StoreActivities(const StoreClient& store) : store_(store) {}

    // True when `activity` is one of ours and is_write says whether it changes the store.
    [[nodiscard]] static bool knows(std::string_view activity);
    [[nodiscard]] static bool is_write(std::string_view activity);

    boost::asio::awaitable<sagas::Outcome> run(
        std::string_view activity,
        const nlohmann::json& payload,
        CallScope& scope) const;

    boost::asio::awaitable<sagas::Outcome> flush_stock(const nlohmann::json& payload, CallScope& scope) const;
    boost::asio::awaitable<sagas::Outcome> quiet_read(const nlohmann::json& payload, CallScope& scope) const;
    boost::asio::awaitable<sagas::Outcome> poll_orders(const nlohmann::json& payload, CallScope& scope) const;
    boost::asio::awaitable<sagas::Outcome> read_order(const nlohmann::json& payload, CallScope& scope) const;
    boost::asio::awaitable<sagas::Outcome> create_store_fulfillment(const nlohmann::json& payload, CallScope& scope)
        const;
    boost::asio::awaitable<sagas::Outcome> settle_store_order(const nlohmann::json& payload, CallScope& scope) const;
    boost::asio::awaitable<sagas::Outcome> check_subscriptions(const nlohmann::json& payload, CallScope& scope) const;

private:
    boost::asio::awaitable<sagas::Outcome> read_several(const nlohmann::json& payload, CallScope& scope) const;

    const StoreClient& store_;
};

// The outcome of an answer that is not a success; the reason names the call.
[[nodiscard]] sagas::Outcome failed(const Document& document, const Answer& answer);

}  // namespace ordersaga::activities::shopify
