// What a webhook request comes to: an answer at once, or something for the engine to store first.
#pragma once

#include "orchestrator/engine/inputs.hpp"
#include "runtime/http_server.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace ordersaga::webhook {

struct WebhookDecision {
    std::optional<runtime::HttpResponse> answer;  // set: nothing is stored
    std::optional<engine::Arrival> arrival;       // set: content is an orders::Delivery; answer after its commit
    std::string_view label;                       // for metrics: "accepted", "unsigned", "malformed", ...
    std::string_view topic = "none";              // a topic we know, "other" or "none": never what the peer wrote
};

// {"error": text}; closes the connection, as every refusal of this listener does.
runtime::HttpResponse refuse_webhook(int status, std::string_view text);

// 503: there is too much before it, and it shall come again after that time. Leaves the connection open.
runtime::HttpResponse turn_webhook_away(std::chrono::seconds returns_in);

}  // namespace ordersaga::webhook
