// Everything the public listener serves: webhooks, /healthz and a page at / that tells what is here. Nothing else is
// reachable from outside.
#pragma once

#include "orchestrator/webhook/intake_queue.hpp"
#include "orchestrator/webhook/store_directory.hpp"
#include "runtime/clock.hpp"
#include "runtime/http_server.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace ordersaga::runtime {
class Metrics;
}

namespace ordersaga::webhook {

struct PublicListenerOptions {
    // The engine's commit is awaited this long; the shop hangs up after 5 s, so a 503 must be out before that.
    std::chrono::milliseconds commit_wait{4'300};
    // GET /oauth/shopify/callback: the fields a store's redirect brought, to whoever trades them for tokens; answers with
    // nothing or with what is wrong. Null: there is no such path.
    std::function<void(runtime::HttpHeaders query, std::function<void(std::string fault)> done)> authorization;
};

// Body limit of Shopify's largest order webhook; pass public_body_limit to HttpServerOptions::body_limit_for.
inline constexpr std::size_t webhook_body_limit = 4 * 1024 * 1024;
runtime::HttpBodyLimit public_body_limit();

// All references must outlive the handler's last call. 200 is answered only after the commit: applied, duplicate, ignored
// and parked are all stored; unavailable, a full queue and a late commit are 503 with Retry-After.
runtime::HttpHandler make_public_handler(
    const StoreDirectory& directory,
    IntakeQueue& queue,
    runtime::Clock& clock,
    runtime::Metrics& metrics,
    PublicListenerOptions options = {});

}  // namespace ordersaga::webhook
