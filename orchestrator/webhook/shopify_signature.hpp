// The signature of a Shopify webhook: base64 of HMAC-SHA256 over the raw body bytes. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ordersaga::webhook {

// True when `header` is strict base64 of exactly 32 bytes and equals the digest of `body` under one of `secrets` (two are
// live while a secret is being replaced). An empty body and an empty secret are refused even with their true digest.
// The time taken depends on lengths and on the number of secrets only, not on which one fits.
bool shopify_signature_is_valid(std::string_view body, std::string_view header, std::span<const std::string> secrets);

// The header for a body; for tests and stand-ins.
std::string shopify_signature(std::string_view body, std::string_view secret);

}  // namespace ordersaga::webhook
