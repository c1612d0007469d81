// Everything the private listener serves: REST under /api/v1 (bearer tokens, or the session of an operator), /session for
// signing in, /healthz, /readyz, /metrics, and a page at / that tells what is here, which for a browser is the dashboard.
// Bind it to loopback, or put TLS in front.
#pragma once

#include "orchestrator/api/engine_port.hpp"
#include "orchestrator/api/gate.hpp"
#include "orchestrator/api/live_feed.hpp"
#include "orchestrator/api/query_threads.hpp"
#include "runtime/clock.hpp"
#include "runtime/http_server.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::runtime {
class Metrics;
}

namespace ordersaga::api {

struct ReadinessPart {
    bool ready = false;
    std::string text;  // "connected", "no answer for 12 s", ...
};
// From any thread; must not block.
using ReadinessProbe = std::function<ReadinessPart()>;

struct PrivateListenerOptions {
    // Besides the database, which is asked by the listener itself: "broker", "engine", ...
    std::vector<std::pair<std::string, ReadinessProbe>> probes;
    std::chrono::milliseconds commit_wait{4'000};
    // How often an activity is tried at most, 0 for one that is not known; empty: not told.
    std::function<int(const std::string& activity)> most_attempts;
    GateOptions gate;
    bool secure_cookie = false;  // people reach it over https
    // To be told of the engine's commits, and stopped before the listener's server is.
    std::shared_ptr<LiveFeed> live = std::make_shared<LiveFeed>();
};

inline constexpr std::size_t api_body_limit = 64 * 1024;

// All references must outlive the handler's last call. Handlers of several connections may run in parallel.
runtime::HttpHandler make_private_handler(
    QueryThreads& queries,
    EnginePort& engine,
    runtime::Clock& clock,
    runtime::Metrics& metrics,
    PrivateListenerOptions options);

// The OpenAPI document as it is served.
std::string_view openapi_document();

}  // namespace ordersaga::api
