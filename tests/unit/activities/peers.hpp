// A peer that answers from a script and remembers what it was asked; some answers break as networks do.
#pragma once

#include "activities/call_scope.hpp"
#include "activities/database_clock.hpp"
#include "runtime/http_client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <nlohmann/json.hpp>

#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::activities::tests {

using Kind = runtime::HttpOutcome::Kind;

// A JSON array from braces. A parameter of type json would take {x} for x itself.
struct List {
    List(std::initializer_list<nlohmann::json> items) : value(nlohmann::json::array()) {
        for (const nlohmann::json& item : items)
            value.push_back(item);
    }
    nlohmann::json value;
};

inline runtime::HttpOutcome answer(int status, const std::string& body, runtime::HttpHeaders headers = {}) {
    runtime::HttpOutcome outcome;
    outcome.kind = Kind::response;
    outcome.status = status;
    outcome.body = body;
    outcome.headers = std::move(headers);
    return outcome;
}
inline runtime::HttpOutcome answer(int status, const nlohmann::json& body, runtime::HttpHeaders headers = {}) {
    return answer(status, body.dump(), std::move(headers));
}
inline runtime::HttpOutcome broken(Kind kind, const std::string& error) {
    runtime::HttpOutcome outcome;
    outcome.kind = kind;
    outcome.error = error;
    return outcome;
}
// The connection was refused: nothing left us.
inline runtime::HttpOutcome refused_connection() {
    return broken(Kind::not_sent, "connection refused");
}
// The first byte left, and no answer came.
inline runtime::HttpOutcome lost_answer() {
    return broken(Kind::unknown, "timed out after the request was sent");
}

class ScriptedPeer final : public runtime::HttpTransport {
public:
    // Answers in this order; a call beyond the script is a refused connection and shows up in `calls`.
    void will(runtime::HttpOutcome outcome) { script_.push_back(std::move(outcome)); }

    boost::asio::awaitable<runtime::HttpOutcome> send(runtime::HttpCall call) override {
        if (call.before_first_byte && !call.before_first_byte()) {
            co_return broken(Kind::not_sent, "the caller said no");
        }
        calls.push_back(std::move(call));
        if (script_.empty()) {
            co_return refused_connection();
        }
        runtime::HttpOutcome next = std::move(script_.front());
        script_.pop_front();
        co_return next;
    }

    [[nodiscard]] nlohmann::json body(std::size_t call) const { return nlohmann::json::parse(calls.at(call).body); }
    [[nodiscard]] std::vector<std::string> methods_and_paths(const std::string& base) const {
        std::vector<std::string> lines;
        for (const runtime::HttpCall& call : calls)
            lines.push_back(call.method + " " + call.url.substr(base.size()));
        return lines;
    }
    [[nodiscard]] bool all_answers_used() const { return script_.empty(); }

    std::vector<runtime::HttpCall> calls;

private:
    std::deque<runtime::HttpOutcome> script_;
};

class FixedDatabaseClock final : public DatabaseClock {
public:
    std::optional<runtime::Instant> now() const override { return time; }
    std::optional<runtime::Instant> time = runtime::Instant{std::chrono::seconds(1'800'000'000)};
};

// Runs a coroutine to its end on a context of its own.
template <class T>
T run(boost::asio::awaitable<T> work) {
    boost::asio::io_context context(1);
    auto future = boost::asio::co_spawn(context, std::move(work), boost::asio::use_future);
    context.run();
    return future.get();
}

}  // namespace ordersaga::activities::tests
