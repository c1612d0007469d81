// Signatures of webhooks and of returning browsers: nothing verifies but what was made with the secret, and one byte more or
// less is another text.
#include "orchestrator/credentials/store_tokens.hpp"
#include "orchestrator/webhook/shopify_signature.hpp"
#include "runtime/crypto.hpp"
#include "runtime/standard_webhooks.hpp"
#include "runtime/trace.hpp"
#include "runtime/url.hpp"
#include "tests/fuzz/target.hpp"

#include <array>
#include <string>

namespace ordersaga::fuzz {
namespace {

const std::array<std::string, 2> store_secrets{"first secret", "second secret"};
const std::array<std::string, 2> hook_secrets{"whsec_Zmlyc3Qgc2VjcmV0", "whsec_c2Vjb25kIHNlY3JldA=="};
constexpr runtime::Instant now{std::chrono::seconds(1'800'000'000)};

void check_codings(std::string_view text) {
    if (const auto bytes = runtime::base64_decode(text)) HOLDS(runtime::base64_encode(*bytes) == text);
    HOLDS(runtime::base64_decode(runtime::base64_encode(text)) == std::string(text));
    if (const auto bytes = runtime::from_hex(text)) HOLDS(bytes->size() * 2 == text.size());
    HOLDS(runtime::from_hex(runtime::to_hex(text)) == std::string(text));
    if (const auto trace = runtime::parse_traceparent(text)) {
        const auto again = runtime::parse_traceparent(trace->header());
        HOLDS(again && again->trace_id == trace->trace_id && again->span_id == trace->span_id);
    }
}

void check_store(std::string_view header, std::string_view body) {
    bool made = false;
    for (const std::string& secret : store_secrets)
        made = made || (!body.empty() && header == webhook::shopify_signature(body, secret));
    HOLDS(webhook::shopify_signature_is_valid(body, header, store_secrets) == made);
    const std::string right = webhook::shopify_signature(body, store_secrets[1]);
    HOLDS(webhook::shopify_signature_is_valid(body, right, store_secrets) == !body.empty());
    HOLDS(!webhook::shopify_signature_is_valid(std::string(body) + "\n", right, store_secrets));
    HOLDS(!webhook::shopify_signature_is_valid(body, right + "=", store_secrets));
}

void check_hook(std::string_view id, std::string_view timestamp, std::string_view signature, std::string_view body) {
    using Verdict = runtime::StandardWebhookVerdict;
    const Verdict verdict = runtime::judge_standard_webhook({id, timestamp, signature}, body, hook_secrets, now);
    bool made = false;
    for (const std::string& secret : hook_secrets)
        made = made || signature.find(*runtime::standard_webhook_signature(id, timestamp, body, secret)) !=
                           std::string_view::npos;
    if (verdict == Verdict::verified || verdict == Verdict::outdated) HOLDS(made);
    const std::string right = *runtime::standard_webhook_signature(id, timestamp, body, hook_secrets[0]);
    const Verdict own = runtime::judge_standard_webhook({id, timestamp, right}, body, hook_secrets, now);
    HOLDS(own != Verdict::mismatched);
    HOLDS(
        own != Verdict::malformed || id.empty() || timestamp.empty() || timestamp.size() > 12 ||
        timestamp.find_first_not_of("0123456789") != std::string_view::npos);
    const std::string both = "v1,AAAA v2,x " + right;
    HOLDS(runtime::judge_standard_webhook({id, timestamp, both}, body, hook_secrets, now) == own);
    const std::string longer = std::string(body) + "x";
    const Verdict other = runtime::judge_standard_webhook({id, timestamp, right}, longer, hook_secrets, now);
    HOLDS(other == Verdict::mismatched || other == Verdict::malformed);
}

void check_browser(std::string_view query) {
    const auto fields = runtime::parse_query(query);
    if (!fields) return;
    credentials::Fields given = *fields;
    static_cast<void>(credentials::is_signed_with(store_secrets[0], given));
    // Nobody can add a field to what the store has signed.
    if (credentials::is_signed_with(store_secrets[0], given)) {
        given.emplace_back("added", "x");
        HOLDS(!credentials::is_signed_with(store_secrets[0], given));
    }
}

}  // namespace

void one_input(std::string_view input) {
    std::string_view rest = input;
    const std::string_view header = take_line(rest);
    const std::string_view id = take_line(rest);
    const std::string_view timestamp = take_line(rest);
    check_codings(header);
    check_store(header, rest);
    check_hook(id, timestamp, header, rest);
    check_browser(rest);
}

}  // namespace ordersaga::fuzz
