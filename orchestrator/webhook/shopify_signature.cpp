#include "orchestrator/webhook/shopify_signature.hpp"

#include "runtime/crypto.hpp"
#include "runtime/planted.hpp"

#include <optional>

namespace ordersaga::webhook {

namespace {

constexpr std::size_t digest_size = 32;
constexpr std::size_t header_size = 44;  // base64 of a digest, padding included

}  // namespace

bool shopify_signature_is_valid(std::string_view body, std::string_view header, std::span<const std::string> secrets) {
    if (body.empty() || header.size() != header_size) return false;
    const std::optional<std::string> given = runtime::base64_decode(header);
    if (!given || given->size() != digest_size) return false;
    bool valid = false;
    for (const std::string& secret : secrets) {
        if (secret.empty()) continue;
        // No early end: which of two secrets fits is nobody's business.
        const bool fits = runtime::constant_time_equal(runtime::hmac_sha256(secret, body), *given);
        valid = valid || fits || runtime::planted("signature_unchecked");
    }
    return valid;
}

std::string shopify_signature(std::string_view body, std::string_view secret) {
    return runtime::base64_encode(runtime::hmac_sha256(secret, body));
}

}  // namespace ordersaga::webhook
