#include "sandbox/shopify_admin.hpp"

#include "runtime/json.hpp"
#include "runtime/text.hpp"
#include "sandbox/graphql_projection.hpp"
#include "sandbox/shopify_objects.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>
#include <sstream>
#include <vector>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;
using runtime::Instant;

constexpr const char* strict_since = "2026-04";
constexpr double single_query_cost_max = 1000;
constexpr std::int64_t adjust_bound = 2'000'000'000;
constexpr std::int64_t set_bound = 1'000'000'000;

// A refusal of one root field: a top-level error beside `data: {root: null}`.
class FieldRefusal : public std::runtime_error {
public:
    FieldRefusal(std::string code, const std::string& message) : std::runtime_error(message), code_(std::move(code)) {}
    [[nodiscard]] const std::string& code() const { return code_; }

private:
    std::string code_;
};

std::string text_of(const json& object, const std::string& key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool flag_of(const json& object, const std::string& key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

json user_error(json field, const std::string& message, const std::string& code) {
    return {
        {"__typename", "UserError"},
        {"field", std::move(field)},
        {"message", message},
        {"code", code.empty() ? json(nullptr) : json(code)},
    };
}

// Errors without a code, as fulfillmentCreate has them: asking for `code` there is a mistake in the query.
json plain_user_error(json field, const std::string& message) {
    return {{"__typename", "UserError"}, {"field", std::move(field)}, {"message", message}};
}

PeerAnswer http_error(int status, const std::string& message) {
    PeerAnswer answer;
    answer.status = status;
    answer.body = json{{"errors", message}}.dump();
    answer.operation = "http";
    answer.refused = true;
    return answer;
}

double mutation_cost(const std::string& root) {
    static const std::map<std::string, double> costs{
        {"inventoryAdjustQuantities", 13}, {"inventorySetQuantities", 13},      {"fulfillmentCreate", 19},
        {"fulfillmentOrderHold", 32},      {"fulfillmentOrderReleaseHold", 23}, {"orderCancel", 10},
    };
    const auto found = costs.find(root);
    return found == costs.end() ? 10 : found->second;
}

std::int64_t objects_in(const json& value) {
    std::int64_t count = value.is_object() ? 1 : 0;
    if (value.is_structured()) {
        for (const auto& member : value) {
            count += objects_in(member);
        }
    }
    return count;
}

const std::set<std::string>& stock_reasons() {
    static const std::set<std::string> reasons{
        "correction",          "cycle_count_available", "damaged",          "movement_canceled",
        "movement_created",    "movement_received",     "movement_updated", "other",
        "promotion",           "quality_control",       "received",         "reservation_created",
        "reservation_deleted", "reservation_updated",   "restock",          "safety_stock",
        "shrinkage",
    };
    return reasons;
}

std::string reasons_text() {
    std::string text;
    for (const auto& reason : stock_reasons()) {
        text += text.empty() ? reason : ", " + reason;
    }
    return text;
}

struct StockRow {
    std::int64_t item = 0;
    std::int64_t location = 0;
    std::int64_t number = 0;  // the delta, or the wanted quantity
    std::optional<std::int64_t> change_from;
};

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, at);) {
        parts.push_back(part);
    }
    return parts;
}

// "updated_at:>='2026-11-01T00:00:00Z' AND updated_at:<…": the filters that are understood; others are ignored.
struct OrderFilter {
    std::optional<Instant> updated_from, updated_after, updated_to, created_from;
    std::int64_t id = 0;
    std::string name;
};

OrderFilter read_order_filter(const std::string& query) {
    OrderFilter filter;
    static const std::regex part(R"re((updated_at|created_at|id|name):(>=|>|<=|<)?('[^']*'|"[^"]*"|[^\s']+))re");
    for (std::sregex_iterator it(query.begin(), query.end(), part), end; it != end; ++it) {
        const std::string field = (*it)[1];
        const std::string comparison = (*it)[2];
        std::string value = (*it)[3];
        if (value.size() >= 2 && (value.front() == '\'' || value.front() == '"')) {
            value = value.substr(1, value.size() - 2);
        }
        if (field == "id") {
            filter.id = id_of_gid(value, "Order");
            continue;
        }
        if (field == "name") {
            filter.name = value;
            continue;
        }
        const auto instant = runtime::parse_rfc3339(value);
        if (!instant) {
            throw GraphqlRefusal("BAD_REQUEST", "Invalid search field for query: " + field);
        }
        if (field == "created_at") {
            filter.created_from = *instant;
        } else if (comparison == ">") {
            filter.updated_after = *instant;
        } else if (comparison == "<" || comparison == "<=") {
            filter.updated_to = *instant;
        } else {
            filter.updated_from = *instant;
        }
    }
    return filter;
}

bool passes(const ShopOrder& order, const OrderFilter& filter) {
    return (!filter.updated_from || order.updated_at >= *filter.updated_from) &&
           (!filter.updated_after || order.updated_at > *filter.updated_after) &&
           (!filter.updated_to || order.updated_at <= *filter.updated_to) &&
           (!filter.created_from || order.created_at >= *filter.created_from) &&
           (filter.id == 0 || order.id == filter.id) && (filter.name.empty() || order.name == filter.name);
}

}  // namespace

// --- the request -----------------------------------------------------------------------------------------------------

PeerAnswer ShopifyAdmin::handle(
    const std::string& version,
    const std::string& access_token,
    const std::string& body,
    Instant now) {
    const std::string& status = store_.settings().status;
    if (status == "frozen") {
        return http_error(402, "Unavailable Shop");
    }
    if (status == "locked") {
        return http_error(423, "This store is unavailable");
    }
    if (status == "uninstalled" || !tokens_.admits(access_token, now)) {
        return http_error(401, "[API] Invalid API key or access token (unrecognized login or wrong password)");
    }
    const auto request = runtime::parse_json(body);
    if (!request || !request->is_object() || !request->contains("query") || !request->at("query").is_string()) {
        return http_error(400, "Bad Request");
    }
    PeerAnswer answer;
    answer.operation = "unreadable";
    answer.headers.emplace_back("X-Shopify-API-Version", version);
    answer.headers.emplace_back("X-Request-Id", store_.next_uuid());
    json reply = json::object();
    try {
        const GraphqlDocument document = read_graphql_document(request->at("query").get<std::string>());
        json variables = document.default_variables;
        if (request->contains("variables") && request->at("variables").is_object()) {
            variables.update(request->at("variables"));
        }
        answer.is_write = document.is_mutation;
        answer.operation = document.roots.empty() ? "nothing" : document.roots.front().name;

        const double requested =
            document.is_mutation ? mutation_cost(answer.operation) : requested_query_cost(document, variables);
        if (requested > single_query_cost_max) {
            throw GraphqlRefusal(
                "MAX_COST_EXCEEDED", "Query cost is " + std::to_string(requested) +
                                         ", which exceeds the single query max cost limit (1000).");
        }
        if (!bucket(now).try_take(requested, now)) {
            reply["errors"] = json::array(
                {{{"message", "Throttled"},
                  {"extensions",
                   {{"code", "THROTTLED"}, {"documentation", "https://shopify.dev/api/usage/rate-limits"}}}}});
            reply["extensions"] = {{"cost", cost(requested, std::nullopt, now)}};
            answer.refused = true;
            answer.operation = "throttled_by_bucket";
            answer.body = runtime::dump_json(reply);
            return answer;
        }
        json data = json::object();
        json errors = json::array();
        for (const auto& field : document.roots) {
            if (field.kind != GraphqlSelection::Kind::field) {
                throw GraphqlRefusal("BAD_REQUEST", "Fragments at the root are not understood here");
            }
            try {
                const Call call{field,   document, variables, resolve_arguments(field.arguments, variables),
                                version, now};
                const json whole = run(call);
                data[field.response_key] = project_graphql(whole, field, document, variables);
                answer.refused = answer.refused ||
                                 (whole.is_object() && whole.contains("userErrors") && !whole["userErrors"].empty());
            } catch (const FieldRefusal& refusal) {
                errors.push_back({
                    {"message", refusal.what()},
                    {"locations", json::array({{{"line", 2}, {"column", 3}}})},
                    {"extensions", {{"code", refusal.code()}}},
                    {"path", json::array({field.response_key})},
                });
                data[field.response_key] = nullptr;
                answer.refused = true;
            }
        }
        const double actual = document.is_mutation
                                  ? (answer.refused ? std::min(10.0, requested) : requested)
                                  : std::min(requested, 1.0 + static_cast<double>(objects_in(data)) / 4.0);
        bucket(now).give_back(requested - actual, now);
        if (!errors.empty()) {
            reply["errors"] = std::move(errors);
        }
        reply["data"] = std::move(data);
        reply["extensions"] = {{"cost", cost(requested, std::ceil(actual), now)}};
    } catch (const GraphqlRefusal& refusal) {
        reply = {
            {"errors", json::array({{
                           {"message", refusal.what()},
                           {"locations", json::array({{{"line", 1}, {"column", 1}}})},
                           {"extensions", {{"code", refusal.code()}}},
                       }})}};
        answer.refused = true;
    } catch (const json::exception&) {
        // An input of the wrong type, found while it was read: nothing has been changed yet.
        reply = {
            {"errors", json::array(
                           {{{"message", "A variable was provided an invalid value"},
                             {"extensions", {{"code", "INVALID_VARIABLE"}}}}})}};
        answer.refused = true;
    }
    answer.body = runtime::dump_json(reply);
    return answer;
}

PeerAnswer ShopifyAdmin::throttled(bool with_cost, Instant now) {
    PeerAnswer answer;
    json reply{{"errors", json::array({{{"message", "Throttled"}, {"extensions", {{"code", "THROTTLED"}}}}})}};
    if (with_cost) {
        json figures = cost(40, std::nullopt, now);
        figures["throttleStatus"]["currentlyAvailable"] = 0;
        reply["extensions"] = {{"cost", std::move(figures)}};
    }
    answer.body = runtime::dump_json(reply);
    return answer;
}

runtime::TokenBucket& ShopifyAdmin::bucket(Instant now) {
    if (!bucket_) {
        bucket_.emplace(store_.settings().bucket_points, store_.settings().restore_points_per_second, now);
    }
    return *bucket_;
}

json ShopifyAdmin::cost(double requested, std::optional<double> actual, Instant now) {
    return {
        {"requestedQueryCost", static_cast<std::int64_t>(requested)},
        {"actualQueryCost", actual ? json(static_cast<std::int64_t>(*actual)) : json(nullptr)},
        {"throttleStatus",
         {{"maximumAvailable", static_cast<std::int64_t>(store_.settings().bucket_points)},
          {"currentlyAvailable", static_cast<std::int64_t>(bucket(now).available(now))},
          {"restoreRate", static_cast<std::int64_t>(store_.settings().restore_points_per_second)}}},
    };
}

json ShopifyAdmin::run(const Call& call) {
    return call.document.is_mutation ? run_mutation(call) : run_query(call);
}

// --- queries ---------------------------------------------------------------------------------------------------------

json ShopifyAdmin::run_query(const Call& call) {
    const std::string& root = call.field.name;
    if (root == "orders") {
        return orders(call);
    }
    const std::set<std::string> asked = names_asked_for(call.field, call.document);
    if (root == "nodes") {
        json nodes = json::array();
        if (call.arguments.contains("ids") && call.arguments["ids"].is_array()) {
            for (const auto& id : call.arguments["ids"]) {
                nodes.push_back(node(id.is_string() ? id.get<std::string>() : std::string(), asked));
            }
        }
        return nodes;
    }
    if (root == "order" || root == "inventoryItem" || root == "location" || root == "node" ||
        root == "fulfillmentOrder" || root == "productVariant" || root == "job") {
        return node(text_of(call.arguments, "id"), asked);
    }
    if (root == "currentAppInstallation") {
        json scopes = json::array();
        for (const std::string& handle : split(store_.settings().scopes, ',')) {
            scopes.push_back({{"handle", handle}});
        }
        return {{"accessScopes", std::move(scopes)}};
    }
    if (root == "locations") {
        json list = json::array();
        for (const auto& location : store_.locations()) {
            list.push_back(location_object(location));
        }
        return list;
    }
    if (root == "inventoryItems" || root == "productVariants") {
        const std::string query = text_of(call.arguments, "query");
        const std::string sku = query.rfind("sku:", 0) == 0 ? query.substr(4) : std::string();
        json list = json::array();
        for (const auto& variant : store_.variants()) {
            if (sku.empty() || sku == variant.sku || sku == "'" + variant.sku + "'" ||
                sku == "\"" + variant.sku + "\"") {
                list.push_back(
                    root == "inventoryItems" ? inventory_item_object(store_, variant)
                                             : variant_object(store_, variant));
            }
        }
        return list;
    }
    if (root == "webhookSubscriptions") {
        json list = json::array();
        for (const auto& subscription : store_.subscriptions()) {
            list.push_back(subscription_object(store_, subscription));
        }
        return list;
    }
    if (root == "shop") {
        return {
            {"__typename", "Shop"},
            {"id", shop_gid("Shop", 548380009)},
            {"name", store_.settings().name},
            {"myshopifyDomain", store_.settings().domain},
            {"currencyCode", store_.settings().currency},
        };
    }
    throw GraphqlRefusal("undefinedField", "Field '" + root + "' doesn't exist on type 'QueryRoot'");
}

json ShopifyAdmin::node(const std::string& gid, const std::set<std::string>& asked) {
    if (const auto id = id_of_gid(gid, "InventoryItem"); id != 0 && gid.find("/InventoryItem/") != std::string::npos) {
        const ShopVariant* variant = store_.variant_by_item(id);
        return variant == nullptr ? json(nullptr) : inventory_item_object(store_, *variant);
    }
    if (gid.find("/Order/") != std::string::npos) {
        const ShopOrder* order = store_.order(id_of_gid(gid, "Order"));
        return order == nullptr ? json(nullptr) : order_object(store_, *order, asked);
    }
    if (gid.find("/Location/") != std::string::npos) {
        const ShopLocation* location = store_.location(id_of_gid(gid, "Location"));
        if (location == nullptr) {
            return nullptr;
        }
        json object = location_object(*location);
        object["inventoryLevels"] = json::array();
        for (const auto& variant : store_.variants()) {
            json level = level_object(store_, variant, *location);
            if (!level.is_null()) {
                object["inventoryLevels"].push_back(std::move(level));
            }
        }
        return object;
    }
    if (gid.find("/ProductVariant/") != std::string::npos) {
        const ShopVariant* variant = store_.variant_by_id(id_of_gid(gid, "ProductVariant"));
        return variant == nullptr ? json(nullptr) : variant_object(store_, *variant);
    }
    if (gid.find("/FulfillmentOrder/") != std::string::npos) {
        const std::int64_t id = id_of_gid(gid, "FulfillmentOrder");
        if (const ShopOrder* order = store_.order_of_fulfillment_order(id)) {
            for (const auto& work : order->fulfillment_orders) {
                if (work.id == id) {
                    return fulfillment_order_object(store_, *order, work);
                }
            }
        }
        return nullptr;
    }
    if (gid.find("/Job/") != std::string::npos) {
        const auto done = store_.job_done(id_of_gid(gid, "Job"));
        return done ? json{{"__typename", "Job"}, {"id", gid}, {"done", *done}} : json(nullptr);
    }
    return nullptr;
}

json ShopifyAdmin::orders(const Call& call) {
    const OrderFilter filter = read_order_filter(text_of(call.arguments, "query"));
    const auto& first = call.arguments.contains("first") ? call.arguments["first"] : json(nullptr);
    const std::size_t wanted = first.is_number_integer() && first.get<std::int64_t>() >= 0
                                   ? static_cast<std::size_t>(first.get<std::int64_t>())
                                   : 250;
    // The cursor is a value, not a position: an order that changes while pages are read moves to the end of the list.
    std::optional<std::pair<Instant, std::int64_t>> cursor;
    if (const std::string after = text_of(call.arguments, "after"); !after.empty()) {
        const auto colon = after.find(':');
        if (colon == std::string::npos) {
            throw GraphqlRefusal("BAD_REQUEST", "Invalid cursor for current pagination sort.");
        }
        cursor.emplace(
            Instant(Instant::duration(id_of_gid(after.substr(0, colon), "-"))),
            id_of_gid(after.substr(colon + 1), "-"));
    }
    // One more than asked for, so that hasNextPage comes out true.
    std::vector<const ShopOrder*> found;
    if (text_of(call.arguments, "sortKey") == "UPDATED_AT") {
        const auto& updates = store_.updates();
        auto from = filter.updated_from ? updates.lower_bound({*filter.updated_from, 0}) : updates.begin();
        if (cursor) {
            const auto behind = updates.upper_bound(*cursor);
            if (behind == updates.end() || from == updates.end() || behind->first > from->first) from = behind;
        }
        for (; from != updates.end() && found.size() <= wanted; ++from) {
            if (passes(*from->second, filter)) {
                found.push_back(from->second);
            }
        }
    } else {
        for (const auto& [id, order] : store_.orders()) {
            if (passes(order, filter)) {
                found.push_back(&order);
            }
        }
        std::sort(found.begin(), found.end(), [](const ShopOrder* left, const ShopOrder* right) {
            return left->number < right->number;
        });
        if (cursor) {
            const auto at = std::find_if(
                found.begin(), found.end(), [&](const ShopOrder* order) { return order->id == cursor->second; });
            found.erase(found.begin(), at == found.end() ? at : std::next(at));
        }
        found.resize(std::min(found.size(), wanted + 1));
    }
    const std::set<std::string> asked = names_asked_for(call.field, call.document);
    json page = json::array();
    for (const ShopOrder* order : found)
        page.push_back(order_object(store_, *order, asked));
    return page;
}

// --- mutations -------------------------------------------------------------------------------------------------------

std::string ShopifyAdmin::idempotency_key(const Call& call) const {
    for (const auto& directive : call.field.directives) {
        if (directive.name == "idempotent") {
            const std::string key = text_of(resolve_arguments(directive.arguments, call.variables), "key");
            if (key.find_first_not_of(" \t\r\n") == std::string::npos) {
                throw FieldRefusal("BAD_REQUEST", "The key of the @idempotent directive must not be blank.");
            }
            return key;
        }
    }
    return {};
}

json ShopifyAdmin::run_mutation(const Call& call) {
    const std::string& root = call.field.name;
    if (root == "inventoryAdjustQuantities") {
        return adjust_quantities(call);
    }
    if (root == "inventorySetQuantities") {
        return set_quantities(call);
    }
    if (root == "fulfillmentCreate") {
        return create_fulfillment(call);
    }
    if (root == "fulfillmentOrderHold") {
        return hold(call);
    }
    if (root == "fulfillmentOrderReleaseHold") {
        return release_hold(call);
    }
    if (root == "orderCancel") {
        return cancel_order(call);
    }
    if (root == "tagsAdd") {
        return add_tags(call);
    }
    if (root == "webhookSubscriptionCreate") {
        return create_subscription(call);
    }
    if (root == "webhookSubscriptionDelete") {
        return delete_subscription(call);
    }
    throw GraphqlRefusal("undefinedField", "Field '" + root + "' doesn't exist on type 'Mutation'");
}

json ShopifyAdmin::adjust_quantities(const Call& call) {
    return write_rows(call, "changes", false);
}

json ShopifyAdmin::set_quantities(const Call& call) {
    return write_rows(call, "quantities", true);
}

json ShopifyAdmin::write_rows(const Call& call, const std::string& rows_name, bool absolute) {
    const bool strict = call.version >= strict_since;
    const json input = call.arguments.value("input", json::object());
    const json rows_in = input.is_object() && input.contains(rows_name) ? input.at(rows_name) : json::array();
    if (!input.is_object() || !rows_in.is_array() || rows_in.empty()) {
        throw GraphqlRefusal("INVALID_VARIABLE", "Variable $input was provided invalid value for " + rows_name);
    }
    if (strict) {
        for (const char* gone : {"ignoreCompareQuantity", "compareQuantity"}) {
            if (input.contains(gone) || rows_in.front().contains(gone)) {
                throw GraphqlRefusal(
                    "INVALID_VARIABLE",
                    "Variable $input was provided invalid value for " + std::string(gone) + " (Field is not defined)");
            }
        }
    }
    const std::string key = idempotency_key(call);
    if (strict && key.empty()) {
        throw FieldRefusal(
            "BAD_REQUEST", "The @idempotent directive is required for this mutation but was not provided.");
    }
    std::vector<StockRow> rows;
    for (const auto& row : rows_in) {
        if (strict && !row.contains("changeFromQuantity")) {
            throw FieldRefusal(
                "INVALID_FIELD_ARGUMENTS", std::string(absolute ? "InventoryQuantityInput" : "InventoryChangeInput") +
                                               " must include the following argument: changeFromQuantity.");
        }
        const auto& number = row.value(absolute ? "quantity" : "delta", json(nullptr));
        if (!number.is_number_integer()) {
            throw GraphqlRefusal("INVALID_VARIABLE", "Variable $input was provided invalid value for a quantity");
        }
        StockRow read;
        read.item = id_of_gid(text_of(row, "inventoryItemId"), "InventoryItem");
        read.location = id_of_gid(text_of(row, "locationId"), "Location");
        read.number = number.get<std::int64_t>();
        if (row.contains("changeFromQuantity") && row["changeFromQuantity"].is_number_integer()) {
            read.change_from = row["changeFromQuantity"].get<std::int64_t>();
        }
        rows.push_back(read);
    }

    // The request as the shop compares it: the field and all its arguments.
    const std::string request = call.field.name + runtime::dump_json(call.arguments);
    if (!key.empty()) {
        const auto known = remembered_.find(key);
        if (known != remembered_.end() && known->second.request == request) {
            ledger_.record(
                {0, call.now, store_.peer(), absolute ? "stock_set" : "stock_adjusted", key, "", "{}", true});
            return json::parse(known->second.result);
        }
        if (known != remembered_.end()) {
            return {
                {"__typename", "InventoryPayload"},
                {"inventoryAdjustmentGroup", nullptr},
                {"userErrors",
                 json::array({user_error(
                     nullptr, "The same idempotency key cannot be used with different operation parameters.",
                     "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")})},
            };
        }
    }

    const std::string name = text_of(input, "name");
    const std::string reason = text_of(input, "reason");
    json errors = json::array();
    const auto refuse = [&](std::size_t index, const char* member, const std::string& message, const char* code) {
        errors.push_back(user_error(json::array({"input", rows_name, std::to_string(index), member}), message, code));
    };
    if (!stock_reasons().contains(reason)) {
        errors.push_back(user_error(
            json::array({"input", "reason"}),
            "The specified reason is invalid. Valid values are: " + reasons_text() + ".", "INVALID_REASON"));
    }
    const bool known_name = name == "available" || (absolute && name == "on_hand");
    if (!known_name) {
        errors.push_back(
            user_error(json::array({"input", "name"}), "The specified quantity name is invalid.", "INVALID_NAME"));
    }
    std::map<std::pair<std::int64_t, std::int64_t>, int> seen;
    for (const auto& row : rows) {
        ++seen[{row.item, row.location}];
    }
    for (std::size_t index = 0; index < rows.size(); ++index) {
        const StockRow& row = rows[index];
        const ShopVariant* variant = store_.variant_by_item(row.item);
        const ShopLocation* location = store_.location(row.location);
        if (variant == nullptr) {
            refuse(
                index, "inventoryItemId", "The specified inventory item could not be found.", "INVALID_INVENTORY_ITEM");
        }
        if (location == nullptr) {
            refuse(index, "locationId", "The specified location could not be found.", "INVALID_LOCATION");
        }
        if (variant == nullptr || location == nullptr) {
            continue;
        }
        if (seen[{row.item, row.location}] > 1) {
            refuse(
                index, "locationId", "The combination of inventoryItemId and locationId must be unique.",
                "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR");
            continue;
        }
        if (!variant->mutable_stock) {
            refuse(
                index, "inventoryItemId", "The specified inventory item is not allowed to be adjusted via API.",
                "NON_MUTABLE_INVENTORY_ITEM");
            continue;
        }
        const ShopLevel* level = store_.level(row.item, row.location);
        if (level == nullptr) {
            refuse(
                index, "locationId", "The specified inventory item is not stocked at the location.",
                "ITEM_NOT_STOCKED_AT_LOCATION");
            continue;
        }
        const std::int64_t bound = absolute ? set_bound : adjust_bound;
        if (row.number > bound || row.number < -bound) {
            const bool high = row.number > bound;
            refuse(
                index, absolute ? "quantity" : "delta",
                std::string("The quantity can't be ") + (high ? "higher than " : "lower than -") +
                    std::to_string(bound) + ".",
                high ? "INVALID_QUANTITY_TOO_HIGH" : "INVALID_QUANTITY_TOO_LOW");
            continue;
        }
        if (absolute && name == "on_hand" && row.number < 0) {
            refuse(index, "quantity", "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE");
            continue;
        }
        const std::int64_t shown = name == "on_hand" ? level->on_hand() : level->available;
        if (row.change_from && *row.change_from != shown) {
            refuse(
                index, "changeFromQuantity",
                "The changeFromQuantity argument no longer matches the persisted quantity.",
                "CHANGE_FROM_QUANTITY_STALE");
        }
    }

    json changes = json::array();
    json on_hand_changes = json::array();
    for (std::size_t index = 0; errors.empty() && index < rows.size(); ++index) {
        const StockRow& row = rows[index];
        const ShopLevel* level = store_.level(row.item, row.location);
        const std::int64_t shown = name == "on_hand" ? level->on_hand() : level->available;
        const std::int64_t delta = absolute ? row.number - shown : row.number;
        if (delta == 0) {
            continue;
        }
        const ShopVariant* variant = store_.variant_by_item(row.item);
        const ShopLocation* location = store_.location(row.location);
        store_.move_available(row.item, row.location, delta, call.now);
        ledger_.record(
            {0, call.now, store_.peer(), absolute ? "stock_set" : "stock_adjusted", key, std::to_string(row.item),
             json{
                 {"sku", variant->sku},
                 {"location_id", row.location},
                 {"delta", delta},
                 {"available_after", store_.level(row.item, row.location)->available},
                 {"document", text_of(input, "referenceDocumentUri")}}
                 .dump(),
             false});
        const auto change = [&](const char* what) {
            return json{
                {"__typename", "InventoryChange"},
                {"name", what},
                {"delta", delta},
                {"quantityAfterChange", nullptr},
                {"ledgerDocumentUri", nullptr},
                {"item",
                 {{"__typename", "InventoryItem"}, {"id", shop_gid("InventoryItem", row.item)}, {"sku", variant->sku}}},
                {"location", location_object(*location)},
            };
        };
        changes.push_back(change("available"));
        on_hand_changes.push_back(change("on_hand"));
    }
    changes.insert(changes.end(), on_hand_changes.begin(), on_hand_changes.end());

    json group = nullptr;
    if (!changes.empty()) {
        group = {
            {"__typename", "InventoryAdjustmentGroup"},
            {"id", shop_gid("InventoryAdjustmentGroup", store_.next_id())},
            {"createdAt", runtime::format_rfc3339(call.now)},
            {"reason", reason},
            {"referenceDocumentUri", input.value("referenceDocumentUri", json(nullptr))},
            {"changes", std::move(changes)},
        };
    }
    json payload{
        {"__typename", "InventoryPayload"},
        {"inventoryAdjustmentGroup", std::move(group)},
        {"userErrors", std::move(errors)},
    };
    if (!key.empty()) {
        remembered_[key] = {request, runtime::dump_json(payload)};
    }
    return payload;
}

json ShopifyAdmin::create_fulfillment(const Call& call) {
    const json input = call.arguments.value("fulfillment", json::object());
    const json groups = input.is_object() ? input.value("lineItemsByFulfillmentOrder", json::array()) : json::array();
    const auto refuse = [](json field, const std::string& message) {
        return json{
            {"__typename", "FulfillmentCreatePayload"},
            {"fulfillment", nullptr},
            {"userErrors", json::array({plain_user_error(std::move(field), message)})},
        };
    };
    std::vector<FulfillmentWish> wishes;
    for (std::size_t group_index = 0; group_index < groups.size(); ++group_index) {
        const auto& group = groups[group_index];
        FulfillmentWish wish;
        wish.fulfillment_order_id = id_of_gid(text_of(group, "fulfillmentOrderId"), "FulfillmentOrder");
        const json lines = group.is_object() ? group.value("fulfillmentOrderLineItems", json::array()) : json::array();
        for (std::size_t index = 0; lines.is_array() && index < lines.size(); ++index) {
            const json quantity = lines[index].value("quantity", json(nullptr));
            if (!quantity.is_number_integer() || quantity.get<std::int64_t>() <= 0) {
                return refuse(
                    json::array(
                        {"fulfillment", "lineItemsByFulfillmentOrder", std::to_string(group_index),
                         "fulfillmentOrderLineItems", std::to_string(index), "quantity"}),
                    "Quantity must be greater than 0");
            }
            wish.lines.emplace_back(
                id_of_gid(text_of(lines[index], "id"), "FulfillmentOrderLineItem"), quantity.get<std::int64_t>());
        }
        wishes.push_back(std::move(wish));
    }
    const json tracking = input.is_object() ? input.value("trackingInfo", json::object()) : json::object();
    const auto first_of = [&](const char* one, const char* many) {
        const std::string single = text_of(tracking, one);
        const bool listed = single.empty() && tracking.is_object() && tracking.contains(many) &&
                            tracking[many].is_array() && !tracking[many].empty() && tracking[many][0].is_string();
        return listed ? tracking[many][0].get<std::string>() : single;
    };
    const auto done = store_.fulfill(
        wishes, text_of(tracking, "company"), first_of("number", "numbers"), first_of("url", "urls"), "api", call.now);
    if (const auto* refusal = std::get_if<Refusal>(&done)) {
        return refuse(json::array({"fulfillment"}), refusal->message);
    }
    const ShopOrder* order = store_.order_of_fulfillment_order(wishes.front().fulfillment_order_id);
    return {
        {"__typename", "FulfillmentCreatePayload"},
        {"fulfillment", fulfillment_object(store_, *order, order->fulfillments.back())},
        {"userErrors", json::array()},
    };
}

json ShopifyAdmin::hold(const Call& call) {
    const json wish = call.arguments.value("fulfillmentHold", json::object());
    const std::int64_t id = id_of_gid(text_of(call.arguments, "id"), "FulfillmentOrder");
    json payload{
        {"__typename", "FulfillmentOrderHoldPayload"}, {"fulfillmentHold", nullptr},  {"fulfillmentOrder", nullptr},
        {"remainingFulfillmentOrder", nullptr},        {"userErrors", json::array()},
    };
    const auto held =
        store_.hold(id, {0, text_of(wish, "handle"), text_of(wish, "reason"), text_of(wish, "reasonNotes")}, call.now);
    if (const auto* refusal = std::get_if<Refusal>(&held)) {
        const bool about_handle = refusal->code == "DUPLICATE_FULFILLMENT_HOLD_HANDLE";
        payload["userErrors"].push_back(user_error(
            about_handle ? json::array({"fulfillmentHold", "handle"}) : json::array({"id"}), refusal->message,
            refusal->code));
        return payload;
    }
    const ShopOrder* order = store_.order_of_fulfillment_order(id);
    for (const auto& work : order->fulfillment_orders) {
        if (work.id == id) {
            payload["fulfillmentHold"] = hold_object(work.holds.back());
            payload["fulfillmentOrder"] = fulfillment_order_object(store_, *order, work);
        }
    }
    return payload;
}

json ShopifyAdmin::release_hold(const Call& call) {
    const std::int64_t id = id_of_gid(text_of(call.arguments, "id"), "FulfillmentOrder");
    std::vector<std::int64_t> holds;
    const json ids = call.arguments.value("holdIds", json::array());
    for (const auto& hold_id : ids.is_array() ? ids : json::array()) {
        holds.push_back(id_of_gid(hold_id.is_string() ? hold_id.get<std::string>() : "", "FulfillmentHold"));
    }
    json payload{
        {"__typename", "FulfillmentOrderReleaseHoldPayload"},
        {"fulfillmentOrder", nullptr},
        {"userErrors", json::array()}};
    if (const auto refusal = store_.release_hold(id, holds, call.now)) {
        payload["userErrors"].push_back(user_error(json::array({"id"}), refusal->message, refusal->code));
        return payload;
    }
    payload["fulfillmentOrder"] = node(shop_gid("FulfillmentOrder", id), {});
    return payload;
}

json ShopifyAdmin::cancel_order(const Call& call) {
    const std::int64_t id = id_of_gid(text_of(call.arguments, "orderId"), "Order");
    const ShopOrder* order = store_.order(id);
    static const std::set<std::string> reasons{"CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "STAFF", "OTHER"};
    const std::string reason = text_of(call.arguments, "reason");
    if (!reasons.contains(reason) || !call.arguments.contains("restock")) {
        throw GraphqlRefusal("missingRequiredArguments", "orderCancel needs a reason and restock");
    }
    std::optional<Refusal> refusal;
    if (order == nullptr) {
        refusal = Refusal{"NOT_FOUND", "Order does not exist"};
    } else if (order->cancelled_at) {
        refusal = Refusal{"INVALID", "Order has already been cancelled"};
    } else if (!order->fulfillments.empty()) {
        refusal = Refusal{"INVALID", "Cannot cancel an order that has outstanding fulfillments"};
    }
    json payload{
        {"__typename", "OrderCancelPayload"},
        {"job", nullptr},
        {"orderCancelUserErrors", json::array()},
        {"userErrors", json::array()},
    };
    if (refusal) {
        payload["orderCancelUserErrors"].push_back(
            user_error(json::array({"orderId"}), refusal->message, refusal->code));
        payload["userErrors"].push_back(plain_user_error(json::array({"orderId"}), refusal->message));
        return payload;
    }
    const std::int64_t job =
        store_.start_cancel_job(id, runtime::lower(reason), flag_of(call.arguments, "restock"), call.now);
    payload["job"] = {{"__typename", "Job"}, {"id", shop_gid("Job", job)}, {"done", false}};
    return payload;
}

json ShopifyAdmin::add_tags(const Call& call) {
    const std::int64_t id = id_of_gid(text_of(call.arguments, "id"), "Order");
    std::vector<std::string> tags;
    const json given = call.arguments.value("tags", json::array());
    for (const auto& tag : given.is_array() ? given : json::array({given})) {
        if (tag.is_string()) {
            tags.push_back(tag.get<std::string>());
        }
    }
    json payload{{"__typename", "TagsAddPayload"}, {"node", nullptr}, {"userErrors", json::array()}};
    if (const auto refusal = store_.add_tags(id, tags, call.now)) {
        payload["userErrors"].push_back(plain_user_error(json::array({"id"}), refusal->message));
        return payload;
    }
    payload["node"] = {{"__typename", "Order"}, {"id", shop_gid("Order", id)}};
    return payload;
}

json ShopifyAdmin::create_subscription(const Call& call) {
    const std::string topic_name = text_of(call.arguments, "topic");
    const json wish = call.arguments.value("webhookSubscription", json::object());
    const std::string uri = text_of(wish, "uri").empty() ? text_of(wish, "callbackUrl") : text_of(wish, "uri");
    std::string topic;
    for (const auto& known : shop_topics()) {
        std::string upper_name = known;
        std::transform(upper_name.begin(), upper_name.end(), upper_name.begin(), [](unsigned char letter) {
            return letter == '/' ? '_' : static_cast<char>(std::toupper(letter));
        });
        topic = upper_name == topic_name ? known : topic;
    }
    json payload{
        {"__typename", "WebhookSubscriptionCreatePayload"},
        {"webhookSubscription", nullptr},
        {"userErrors", json::array()}};
    const auto& existing = store_.subscriptions();
    const bool taken = std::any_of(existing.begin(), existing.end(), [&](const auto& subscription) {
        return subscription.topic == topic && subscription.url == uri;
    });
    if (topic.empty() || uri.empty() || taken) {
        const std::string message = taken           ? "Address for this topic has already been taken"
                                    : topic.empty() ? "Topic is not sent by this shop"
                                                    : "Address can't be blank";
        payload["userErrors"].push_back(plain_user_error(json::array({"webhookSubscription", "callbackUrl"}), message));
        return payload;
    }
    const std::int64_t id = store_.subscribe(topic, uri, call.now);
    ledger_.record(
        {0, call.now, store_.peer(), "subscription_created", "", std::to_string(id),
         json{{"topic", topic}, {"url", uri}}.dump(), false});
    payload["webhookSubscription"] = subscription_object(store_, store_.subscriptions().back());
    return payload;
}

json ShopifyAdmin::delete_subscription(const Call& call) {
    const std::string gid = text_of(call.arguments, "id");
    json payload{
        {"__typename", "WebhookSubscriptionDeletePayload"},
        {"deletedWebhookSubscriptionId", nullptr},
        {"userErrors", json::array()},
    };
    if (!store_.unsubscribe(id_of_gid(gid, "WebhookSubscription"))) {
        payload["userErrors"].push_back(plain_user_error(json::array({"id"}), "Webhook subscription does not exist"));
        return payload;
    }
    ledger_.record(
        {0, call.now, store_.peer(), "subscription_deleted", "", std::to_string(id_of_gid(gid, "WebhookSubscription")),
         "{}", false});
    payload["deletedWebhookSubscriptionId"] = gid;
    return payload;
}

}  // namespace ordersaga::sandbox
