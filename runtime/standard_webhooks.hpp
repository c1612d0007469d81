// Standard Webhooks signatures, as ShipBob and our notifier send them: HMAC-SHA256 over "<id>.<timestamp>.<raw body>" with
// the key that stands, base64 encoded, behind "whsec_". Pure; any thread.
#pragma once

#include "runtime/clock.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ordersaga::runtime {

struct StandardWebhookHeaders {
    std::string_view id;         // webhook-id
    std::string_view timestamp;  // webhook-timestamp, Unix seconds
    std::string_view signature;  // webhook-signature: "v1,<base64>" entries separated by single spaces
};

enum class StandardWebhookVerdict {
    verified,
    malformed,   // a header that cannot be read
    outdated,    // the timestamp is further than the tolerance from now, in either direction
    mismatched,  // no entry fits any secret
};

// `secrets` are in their written form ("whsec_..."); one that cannot be decoded is skipped. The signature is judged
// before the timestamp, so that nothing about time is told to whoever cannot sign.
StandardWebhookVerdict judge_standard_webhook(
    const StandardWebhookHeaders& headers,
    std::string_view body,
    std::span<const std::string> secrets,
    Instant now,
    Duration tolerance = std::chrono::minutes(5));

// "v1,<base64>"; nullopt when the secret cannot be decoded.
std::optional<std::string> standard_webhook_signature(
    std::string_view id,
    std::string_view timestamp,
    std::string_view body,
    std::string_view secret);

}  // namespace ordersaga::runtime
