#include "sandbox/hook_sink.hpp"

#include "runtime/json.hpp"
#include "runtime/standard_webhooks.hpp"
#include "sandbox/world.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace ordersaga::sandbox {

PeerAnswer take_hook(World& world, const std::string& name, const PeerRequest& request, runtime::Instant now) {
    PeerAnswer answer;
    answer.operation = "hook";
    answer.is_write = true;
    answer.refused = true;
    const Hook* hook = world.hook(name);
    if (hook == nullptr || request.method != "POST") {
        answer.status = hook == nullptr ? 404 : 405;
        return answer;
    }
    const std::string id = request.header("webhook-id");
    const std::string timestamp = request.header("webhook-timestamp");
    const std::string signature = request.header("webhook-signature");
    const std::vector<std::string> secrets{hook->secret};
    const auto verdict = runtime::judge_standard_webhook({id, timestamp, signature}, request.body, secrets, now);
    if (verdict != runtime::StandardWebhookVerdict::verified) {
        answer.status = verdict == runtime::StandardWebhookVerdict::malformed ? 400 : 401;
        return answer;
    }
    answer.status = hook->status;
    answer.refused = hook->status >= 300;
    if (answer.refused) return answer;
    const runtime::Result<nlohmann::json> body = runtime::parse_json(request.body);
    Effect effect;
    effect.at = now;
    effect.peer = "hook:" + name;
    effect.kind = "webhook_received";
    effect.key = id;
    effect.reference = body ? runtime::get_text(*body, "type").value_or("") : "";
    effect.detail = body ? request.body : "{}";
    effect.replay = !world.first_time(effect.peer, id);
    world.ledger().record(std::move(effect));
    return answer;
}

}  // namespace ordersaga::sandbox
