#include "orchestrator/api/live_stream.hpp"

#include "runtime/clock.hpp"
#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <chrono>

namespace ordersaga::api {

namespace {

namespace asio = boost::asio;
using Time = LiveFeed::Time;

constexpr std::chrono::milliseconds between_writes{1'000};
constexpr std::chrono::seconds longest_silence{15};  // then a comment tells proxies and the server that both ends live
constexpr std::chrono::seconds longest_wait{4};
constexpr std::chrono::seconds ask_again_after{30};
constexpr std::string_view come_back_after = "retry: 2000\n\n";

std::string event(std::string_view name, const std::string& data) {
    return "event: " + std::string(name) + "\ndata: " + data + "\n\n";
}

Time now() {
    return std::chrono::steady_clock::now();
}

asio::awaitable<void> count_if_due(const LiveStreamParts& parts) {
    const Time began = now();
    if (!parts.feed->begin_counting(parts.merchant, began)) co_return;
    bool counted = false;
    std::string text;
    try {
        text = co_await parts.count();
        counted = true;
    } catch (const std::exception&) {
        // The view goes on with what it knows; the readiness page says why nothing new comes.
    }
    if (counted) {
        parts.feed->counted(parts.merchant, std::move(text), began, now());
    } else {
        parts.feed->not_counted(parts.merchant, now());
    }
}

asio::awaitable<void> run_live_stream(runtime::HttpStream& stream, LiveStreamParts parts) {
    std::uint64_t counts_told = 0;
    Time asked = now(), written = now();
    bool open = co_await stream.write(std::string(come_back_after));
    while (open) {
        const std::chrono::seconds patience = counts_told > 0 ? longest_wait : std::chrono::seconds(0);
        const LiveFeed::News news = co_await parts.viewer->next(patience);
        if (news.ended) co_return;
        if (now() - asked >= ask_again_after) {
            asked = now();
            const bool welcome = co_await parts.may_go_on();
            if (!welcome) co_return;
        }
        co_await count_if_due(parts);
        std::string text;
        for (const engine::SagaChange& change : news.orders)
            text += order_event(change);
        if (news.missed) text += event("missed", "{}");
        const LiveFeed::Counts counts = parts.feed->counts(parts.merchant);
        if (counts.number != counts_told) text += event("counts", counts.text);
        counts_told = counts.number;
        if (text.empty() && now() - written >= longest_silence) text = ": still here\n\n";
        if (!text.empty()) {
            written = now();
            open = co_await stream.write(std::move(text));
            if (!open) co_return;
        }
        open = co_await stream.wait(between_writes);
    }
}

}  // namespace

std::string order_event(const engine::SagaChange& change) {
    // The subject of an order's saga is "STORE NAME"; a store's key has no space in it.
    const std::size_t space = change.subject.find(' ');
    const std::string store = space == std::string::npos ? "" : change.subject.substr(0, space);
    const std::string order = space == std::string::npos ? change.subject : change.subject.substr(space + 1);
    return event(
        "order", runtime::dump_json(
                     {{"saga_id", change.key.saga_id},
                      {"order", order},
                      {"store", store},
                      {"state", change.state},
                      {"version", change.version},
                      {"at", runtime::format_rfc3339(change.at)}}));
}

runtime::HttpStreamBody live_stream(LiveStreamParts parts) {
    return [parts = std::move(parts)](runtime::HttpStream& stream) {
        return run_live_stream(stream, parts);
    };
}

}  // namespace ordersaga::api
