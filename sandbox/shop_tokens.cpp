#include "sandbox/shop_tokens.hpp"

#include "runtime/crypto.hpp"
#include "runtime/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;
using runtime::Instant;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::chrono::minutes code_lifetime{1};

std::string field(const Fields& fields, const std::string& name) {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const auto& entry) { return entry.first == name; });
    return found == fields.end() ? std::string() : found->second;
}

PeerAnswer refusal(const std::string& error, const std::string& text) {
    PeerAnswer answer;
    answer.status = 400;
    answer.operation = "oauth";
    answer.refused = true;
    answer.body = json{{"error", error}, {"error_description", text}}.dump();
    return answer;
}

// As the shop signs what it sends back through the browser: all other fields by name, in hexadecimal.
std::string signature(Fields fields, const std::string& secret) {
    std::sort(fields.begin(), fields.end());
    std::string text;
    for (const auto& [name, value] : fields)
        text += (text.empty() ? "" : "&") + name + "=" + value;
    return runtime::to_hex(runtime::hmac_sha256(secret, text));
}

}  // namespace

PeerAnswer ShopTokens::grant(const std::string& form, Instant now) {
    const auto fields = runtime::parse_query(form);
    const StoreSettings& settings = store_.settings();
    if (!fields || field(*fields, "client_id") != settings.client_id ||
        field(*fields, "client_secret") != settings.secret)
        return refusal("invalid_client", "client_id or client_secret is wrong");
    if (settings.status == "uninstalled") return refusal("app_not_installed", "The app is not installed on this shop");
    const std::string type = field(*fields, "grant_type");
    if (type == "client_credentials") return issue(now, false, "");
    if (type == "refresh_token") {
        const auto known = refresh_tokens_.find(field(*fields, "refresh_token"));
        if (known == refresh_tokens_.end() || !known->second)
            return refusal("invalid_grant", "This refresh token is not active");
        return issue(now, true, known->first);
    }
    const auto code = codes_.find(field(*fields, "code"));
    if (!type.empty() || code == codes_.end() || code->second < now)
        return refusal("invalid_request", "The authorization code was not found or was already used");
    codes_.erase(code);
    return issue(now, true, "");
}

PeerAnswer ShopTokens::issue(Instant now, bool with_refresh_token, const std::string& replaces) {
    const std::int64_t lifetime = store_.settings().token_lifetime_s;
    const std::string token = "shpat_" + store_.next_uuid();
    const Instant end = lifetime > 0 ? now + std::chrono::seconds(lifetime) : Instant::max();
    issued_[token] = {end, replaces};
    ++granted_;
    json body{{"access_token", token}, {"scope", store_.settings().scopes}};
    if (lifetime > 0) body["expires_in"] = lifetime - 1;
    if (with_refresh_token) {
        const std::string refresh_token = "shprt_" + store_.next_uuid();
        refresh_tokens_[refresh_token] = true;
        body["refresh_token"] = refresh_token;
    }
    PeerAnswer answer;
    answer.operation = "oauth";
    answer.body = body.dump();
    return answer;
}

PeerAnswer ShopTokens::authorize(const Fields& query, Instant now) {
    const std::string target = field(query, "redirect_uri");
    if (field(query, "client_id") != store_.settings().client_id || target.empty())
        return refusal("invalid_request", "client_id is wrong, or redirect_uri is missing");
    const std::string code = store_.next_uuid();
    codes_[code] = now + code_lifetime;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    Fields back{
        {"code", code},
        {"shop", store_.settings().domain},
        {"state", field(query, "state")},
        {"timestamp", std::to_string(seconds)}};
    back.emplace_back("hmac", signature(back, store_.settings().secret));
    std::string location = target;
    for (const auto& [name, value] : back)
        location += (location == target ? "?" : "&") + name + "=" + runtime::percent_encode(value);
    PeerAnswer answer;
    answer.status = 302;
    answer.operation = "oauth";
    answer.headers.emplace_back("Location", location);
    return answer;
}

bool ShopTokens::admits(const std::string& token, Instant now) {
    const StoreSettings& settings = store_.settings();
    if (settings.token_lifetime_s <= 0 && token == settings.access_token) return true;
    const auto known = issued_.find(token);
    if (known == issued_.end()) return false;
    if (known->second.expires_at <= now) {
        ++calls_after_expiry_;
        return false;
    }
    if (!known->second.replaces.empty()) refresh_tokens_[known->second.replaces] = false;
    return true;
}

void ShopTokens::revoke_all() {
    issued_.clear();
    refresh_tokens_.clear();
}

json ShopTokens::account() const {
    return {{"granted", granted_}, {"calls_after_expiry", calls_after_expiry_}};
}

}  // namespace ordersaga::sandbox
