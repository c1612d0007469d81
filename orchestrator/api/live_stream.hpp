// GET /live as server-sent events. One write a second at most, with everything that has happened meanwhile:
//
//   event: counts   data: what GET /summary answers
//   event: order    data: {"saga_id","order","store","state","version","at"}
//   event: missed   data: {}    more orders moved than were told: look at the lists again
//
// Events carry no id: who comes back has to look at what it shows anyway, and begins with fresh counts.
#pragma once

#include "orchestrator/api/live_feed.hpp"
#include "runtime/http_server.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>

namespace ordersaga::api {

struct LiveStreamParts {
    std::shared_ptr<LiveFeed> feed;
    std::shared_ptr<LiveFeed::Viewer> viewer;
    MerchantId merchant;
    // The counts as JSON text; may throw when the database cannot be asked.
    std::function<boost::asio::awaitable<std::string>()> count;
    // Asked every half minute: a token that was revoked must not go on listening.
    std::function<boost::asio::awaitable<bool>()> may_go_on;
};

runtime::HttpStreamBody live_stream(LiveStreamParts parts);

std::string order_event(const engine::SagaChange& change);

}  // namespace ordersaga::api
