// The Admin GraphQL API of one stand-in shop: tokens, versions, the cost bucket, idempotency keys, and the calls that
// the product makes, each by the rules that were recorded from real shops.
//
// Pure and single-threaded. All refusals of the API come as it gives them: HTTP status, top-level errors, or userErrors.
// The effects are made by ShopifyStore; the same key with the same variables answers the first result and does nothing.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/token_bucket.hpp"
#include "sandbox/graphql_document.hpp"
#include "sandbox/peer_answer.hpp"
#include "sandbox/shop_tokens.hpp"
#include "sandbox/shopify_store.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace ordersaga::sandbox {

class ShopifyAdmin {
public:
    // Both must outlive this object.
    ShopifyAdmin(ShopifyStore& store, Ledger& ledger) : store_(store), ledger_(ledger), tokens_(store) {}

    // One POST of /admin/api/{version}/graphql.json.
    PeerAnswer handle(
        const std::string& version,
        const std::string& access_token,
        const std::string& body,
        runtime::Instant now);
    // The answer of a full bucket that is none: an injected THROTTLED, with or without the cost.
    PeerAnswer throttled(bool with_cost, runtime::Instant now);
    [[nodiscard]] ShopTokens& tokens() { return tokens_; }
    // The limits of the store's settings changed: starts with a full bucket again.
    void forget_bucket() { bucket_.reset(); }

private:
    struct Call {
        const GraphqlSelection& field;
        const GraphqlDocument& document;
        const nlohmann::json& variables;
        nlohmann::json arguments;
        std::string version;
        runtime::Instant now;
    };
    struct Remembered {
        std::string request;
        std::string result;
    };

    nlohmann::json run(const Call& call);
    nlohmann::json run_query(const Call& call);
    nlohmann::json run_mutation(const Call& call);
    nlohmann::json orders(const Call& call);
    nlohmann::json node(const std::string& gid, const std::set<std::string>& asked);
    nlohmann::json adjust_quantities(const Call& call);
    nlohmann::json set_quantities(const Call& call);
    nlohmann::json write_rows(const Call& call, const std::string& rows_name, bool absolute);
    nlohmann::json create_fulfillment(const Call& call);
    nlohmann::json hold(const Call& call);
    nlohmann::json release_hold(const Call& call);
    nlohmann::json cancel_order(const Call& call);
    nlohmann::json add_tags(const Call& call);
    nlohmann::json create_subscription(const Call& call);
    nlohmann::json delete_subscription(const Call& call);
    std::string idempotency_key(const Call& call) const;
    runtime::TokenBucket& bucket(runtime::Instant now);
    nlohmann::json cost(double requested, std::optional<double> actual, runtime::Instant now);

    ShopifyStore& store_;
    Ledger& ledger_;
    ShopTokens tokens_;
    std::map<std::string, Remembered> remembered_;
    std::optional<runtime::TokenBucket> bucket_;
};

}  // namespace ordersaga::sandbox
