#include "runtime/standard_webhooks.hpp"

#include "runtime/crypto.hpp"

#include <charconv>
#include <vector>

namespace ordersaga::runtime {

namespace {

constexpr std::string_view secret_prefix = "whsec_";
constexpr std::string_view entry_prefix = "v1,";
constexpr std::size_t most_entries = 16;  // each costs a comparison per secret

std::optional<std::string> key_of(std::string_view secret) {
    if (!secret.starts_with(secret_prefix)) return std::nullopt;
    std::optional<std::string> key = base64_decode(secret.substr(secret_prefix.size()));
    if (key && key->empty()) return std::nullopt;
    return key;
}

std::optional<std::int64_t> seconds_of(std::string_view timestamp) {
    std::int64_t seconds = 0;
    const char* end = timestamp.data() + timestamp.size();
    const auto [rest, fault] = std::from_chars(timestamp.data(), end, seconds);
    // Twelve digits reach the year 33658 and leave room for the arithmetic in microseconds.
    if (timestamp.empty() || timestamp.size() > 12 || fault != std::errc{} || rest != end || seconds < 0)
        return std::nullopt;
    return seconds;
}

std::string signed_text(std::string_view id, std::string_view timestamp, std::string_view body) {
    std::string text;
    text.reserve(id.size() + timestamp.size() + body.size() + 2);
    text.append(id).append(1, '.').append(timestamp).append(1, '.').append(body);
    return text;
}

// The v1 digests of the list; entries of other versions are passed over. nullopt: too many entries.
std::optional<std::vector<std::string>> digests_of(std::string_view list) {
    std::vector<std::string> digests;
    std::size_t entries = 0;
    while (!list.empty()) {
        if (++entries > most_entries) return std::nullopt;
        const std::size_t space = list.find(' ');
        const std::string_view entry = list.substr(0, space);
        list = space == std::string_view::npos ? std::string_view() : list.substr(space + 1);
        if (!entry.starts_with(entry_prefix)) continue;
        std::optional<std::string> digest = base64_decode(entry.substr(entry_prefix.size()));
        if (digest && digest->size() == 32) digests.push_back(std::move(*digest));
    }
    return digests;
}

}  // namespace

StandardWebhookVerdict judge_standard_webhook(
    const StandardWebhookHeaders& headers,
    std::string_view body,
    std::span<const std::string> secrets,
    Instant now,
    Duration tolerance) {
    const std::optional<std::int64_t> seconds = seconds_of(headers.timestamp);
    const std::optional<std::vector<std::string>> digests = digests_of(headers.signature);
    if (headers.id.empty() || !seconds || !digests || digests->empty()) return StandardWebhookVerdict::malformed;

    const std::string text = signed_text(headers.id, headers.timestamp, body);
    bool fits = false;
    for (const std::string& secret : secrets) {
        const std::optional<std::string> key = key_of(secret);
        if (!key) continue;
        const std::string expected = hmac_sha256(*key, text);
        for (const std::string& digest : *digests) {
            const bool equal = constant_time_equal(expected, digest);
            fits = fits || equal;
        }
    }
    if (!fits) return StandardWebhookVerdict::mismatched;

    const Instant sent{std::chrono::seconds(*seconds)};
    const Duration age = now >= sent ? now - sent : sent - now;
    return age > tolerance ? StandardWebhookVerdict::outdated : StandardWebhookVerdict::verified;
}

std::optional<std::string> standard_webhook_signature(
    std::string_view id,
    std::string_view timestamp,
    std::string_view body,
    std::string_view secret) {
    const std::optional<std::string> key = key_of(secret);
    if (!key) return std::nullopt;
    return std::string(entry_prefix) + base64_encode(hmac_sha256(*key, signed_text(id, timestamp, body)));
}

}  // namespace ordersaga::runtime
