#include "orchestrator/credentials/store_tokens.hpp"

#include "runtime/crypto.hpp"
#include "runtime/json.hpp"
#include "runtime/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>
#include <string_view>

namespace ordersaga::credentials {
namespace {

using nlohmann::json;
using runtime::Error;
using runtime::ErrorKind;
using runtime::HttpCall;
using runtime::HttpOutcome;
using runtime::Result;

constexpr std::chrono::milliseconds call_timeout{10'000};
// More cannot be added to the time of day in the database; it would fail again with every renewal.
constexpr std::chrono::seconds longest_lifetime = std::chrono::hours(24 * 365 * 10);

constexpr const char* asked_scopes =
    "read_locations,read_products,write_inventory,write_merchant_managed_fulfillment_orders,write_orders";

std::string form_of(const Fields& fields) {
    std::string form;
    for (const auto& [name, value] : fields)
        form += (form.empty() ? "" : "&") + name + "=" + runtime::percent_encode(value);
    return form;
}

HttpCall token_call(const db::Renewal& renewal, Fields fields) {
    fields.emplace_back("client_id", renewal.client_id);
    fields.emplace_back("client_secret", renewal.client_secret);
    HttpCall call;
    call.method = "POST";
    call.url = renewal.base_url + "/admin/oauth/access_token";
    call.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
    call.total_timeout = call_timeout;
    call.body = form_of(fields);
    return call;
}

bool is_token(const std::string& text) {
    return !text.empty() && text.size() <= 4096 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// A code such as invalid_client is a help; anything else that a peer writes may hold a secret.
std::string error_code_of(const json& body) {
    const auto found = body.is_object() ? body.find("error") : body.end();
    if (found == body.end() || !found->is_string()) return {};
    const std::string code = found->get<std::string>();
    const bool plain = code.size() <= 60 &&
                       std::all_of(code.begin(), code.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    return plain ? code : std::string();
}

// The body of a 200; else what is wrong, in words.
Result<json> body_of(const HttpOutcome& outcome) {
    if (!outcome.is_response()) return Error{ErrorKind::unavailable, "the store cannot be reached: " + outcome.error};
    const Result<json> body = runtime::parse_json(outcome.body);
    if (outcome.status != 200) {
        const std::string code = body ? error_code_of(*body) : std::string();
        return Error{
            ErrorKind::refused,
            "the store answered " + std::to_string(outcome.status) + (code.empty() ? "" : " " + code)};
    }
    if (!body || !body->is_object()) return Error{ErrorKind::broken, "the store's answer is no JSON object"};
    return *body;
}

std::string text_of(const json& body, const char* name) {
    const auto found = body.find(name);
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> split_scopes(const std::string& list) {
    std::vector<std::string> scopes;
    std::istringstream stream(list);
    for (std::string scope; std::getline(stream, scope, ',');)
        if (!scope.empty()) scopes.push_back(scope);
    return scopes;
}

bool gives(const std::vector<std::string>& granted, const std::string& wanted) {
    const auto has = [&granted](const std::string& scope) {
        return std::find(granted.begin(), granted.end(), scope) != granted.end();
    };
    return has(wanted) || (wanted.starts_with("read_") && has("write_" + wanted.substr(5)));
}

}  // namespace

HttpCall renewal_call(const db::Renewal& renewal) {
    if (renewal.way == "client_credentials") return token_call(renewal, {{"grant_type", "client_credentials"}});
    return token_call(renewal, {{"grant_type", "refresh_token"}, {"refresh_token", renewal.refresh_token}});
}

HttpCall code_call(const db::Renewal& renewal, const std::string& code) {
    return token_call(renewal, {{"code", code}, {"expiring", "1"}});
}

std::string authorization_url(
    const db::CredentialRow& credential,
    const std::string& callback,
    const std::string& state) {
    return credential.base_url + "/admin/oauth/authorize?" +
           form_of(
               {{"client_id", credential.client_id},
                {"scope", asked_scopes},
                {"redirect_uri", callback},
                {"state", state}});
}

std::string field_of(const Fields& fields, const std::string& name) {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
    return found == fields.end() ? std::string() : found->second;
}

bool is_signed_with(const std::string& client_secret, Fields fields) {
    const std::optional<std::string> claimed = runtime::from_hex(field_of(fields, "hmac"));
    std::sort(fields.begin(), fields.end());
    std::string text;
    for (const auto& [name, value] : fields)
        if (name != "hmac") text += (text.empty() ? "" : "&") + name + "=" + value;
    return claimed && !client_secret.empty() &&
           runtime::constant_time_equal(*claimed, runtime::hmac_sha256(client_secret, text));
}

Result<db::Grant> read_grant(const HttpOutcome& outcome) {
    const Result<json> body = body_of(outcome);
    if (!body) return body.error();
    db::Grant grant;
    grant.access_token = text_of(*body, "access_token");
    grant.refresh_token = text_of(*body, "refresh_token");
    if (!is_token(grant.access_token) || (!grant.refresh_token.empty() && !is_token(grant.refresh_token)))
        return Error{ErrorKind::broken, "the store's answer holds no token"};
    grant.scopes = split_scopes(text_of(*body, "scope"));
    if (const auto lifetime = body->find("expires_in"); lifetime != body->end() && !lifetime->is_null()) {
        if (!lifetime->is_number_integer() || lifetime->get<std::int64_t>() <= 0 ||
            lifetime->get<std::int64_t>() > longest_lifetime.count())
            return Error{ErrorKind::broken, "the store's answer tells no sound expires_in"};
        grant.lifetime = std::chrono::seconds(lifetime->get<std::int64_t>());
    }
    return grant;
}

HttpCall scopes_call(const std::string& base_url, const std::string& api_version, const std::string& token) {
    HttpCall call;
    call.method = "POST";
    call.url = base_url + "/admin/api/" + api_version + "/graphql.json";
    call.headers = {
        {"Content-Type", "application/json"}, {"Accept", "application/json"}, {"X-Shopify-Access-Token", token}};
    call.body = R"({"query":"query GrantedScopes { currentAppInstallation { accessScopes { handle } } }"})";
    call.total_timeout = call_timeout;
    return call;
}

Result<std::vector<std::string>> read_scopes(const HttpOutcome& outcome) {
    const Result<json> body = body_of(outcome);
    if (!body) return body.error();
    const json::json_pointer place("/data/currentAppInstallation/accessScopes");
    if (!body->contains(place) || !body->at(place).is_array())
        return Error{ErrorKind::broken, "the store's answer names no scopes"};
    std::vector<std::string> scopes;
    for (const json& scope : body->at(place))
        if (scope.is_object()) scopes.push_back(text_of(scope, "handle"));
    return scopes;
}

std::vector<std::string> missing_scopes(const std::vector<std::string>& granted) {
    std::vector<std::string> missing;
    for (const char* wanted : {"write_orders", "write_inventory", "read_locations", "read_products"})
        if (!gives(granted, wanted)) missing.emplace_back(wanted);
    // Who fulfils decides which of these a store's orders carry.
    const bool fulfils = gives(granted, "write_merchant_managed_fulfillment_orders") ||
                         gives(granted, "write_third_party_fulfillment_orders") ||
                         gives(granted, "write_assigned_fulfillment_orders");
    if (!fulfils) missing.emplace_back("write_merchant_managed_fulfillment_orders");
    return missing;
}

}  // namespace ordersaga::credentials
