// The client's side of HTTP, over loopback: whatever a peer answers, the call ends as a whole answer within its limits or as
// `unknown`, and what is read from the answer afterwards is within its limits, too.
#include "activities/retry_after.hpp"
#include "orchestrator/credentials/store_tokens.hpp"
#include "runtime/http_client.hpp"
#include "tests/fuzz/loopback_link.hpp"
#include "tests/fuzz/target.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fcntl.h>

#include <exception>
#include <optional>
#include <string>

namespace ordersaga::fuzz {
namespace {

using runtime::HttpOutcome;

constexpr std::size_t body_limit = 300;

struct Caller {
    boost::asio::io_context context{1};
    runtime::HttpClient client{context.get_executor(), options()};
    LoopbackListener listener;

    Caller() { ::fcntl(listener.socket(), F_SETFL, O_NONBLOCK); }

    static runtime::HttpClientOptions options() {
        runtime::HttpClientOptions made;
        made.response_body_limit = body_limit;
        made.response_header_limit = 1024;
        return made;
    }

    HttpOutcome call(std::string_view method, std::string_view first, std::string_view second) {
        runtime::HttpCall call;
        call.method = method;
        call.url = "http://127.0.0.1:" + std::to_string(listener.port()) + "/x";
        std::optional<HttpOutcome> outcome;
        context.restart();  // it ran out of work after the last call
        boost::asio::co_spawn(
            context, client.send(std::move(call)), [&](const std::exception_ptr& fault, HttpOutcome got) {
                HOLDS(!fault);
                outcome = std::move(got);
            });
        std::optional<LoopbackLink> peer;
        for (int round = 0; !outcome; ++round) {
            HOLDS(round < 2'000);
            if (context.poll() == 0) context.run_one_for(std::chrono::milliseconds(1));
            if (peer) continue;
            const int accepted = ::accept4(listener.socket(), nullptr, nullptr, SOCK_CLOEXEC);
            if (accepted < 0) continue;
            peer.emplace(LoopbackLink::Accepted{accepted});
            peer->send(first);
            if (!second.empty()) {
                for (int i = 0; i < 8; ++i)
                    context.poll();
                peer->send(second);
            }
            peer->finish();
        }
        client.close_idle();
        for (int i = 0; i < 4; ++i)
            context.poll();
        return std::move(*outcome);
    }
};

void check_outcome(const HttpOutcome& outcome) {
    HOLDS(outcome.kind != HttpOutcome::Kind::not_sent);
    if (!outcome.is_response()) {
        HOLDS(!outcome.error.empty() && !has_control(outcome.error) && outcome.body.empty());
        return;
    }
    HOLDS(outcome.error.empty() && outcome.status >= 200 && outcome.status <= 999);
    HOLDS(outcome.body.size() <= body_limit);
    for (const auto& [name, value] : outcome.headers) {
        HOLDS(name.find_first_of("\r\n") == std::string::npos && value.find_first_of("\r\n") == std::string::npos);
    }
}

void check_readers(const HttpOutcome& outcome) {
    if (const std::string* asked = outcome.header("Retry-After")) {
        const auto wait = activities::parse_retry_after(*asked, std::chrono::system_clock::now());
        if (wait) HOLDS(wait->count() >= 0 && *wait <= activities::longest_wait);
    }
    const auto grant = credentials::read_grant(outcome);
    if (grant) {
        HOLDS(!grant->access_token.empty() && !has_control(grant->access_token));
        // Time is reckoned in microseconds.
        if (grant->lifetime)
            HOLDS(grant->lifetime->count() > 0 && *grant->lifetime <= std::chrono::hours(24 * 366 * 100));
    } else {
        HOLDS(!grant.error().message.empty() && !has_control(grant.error().message));
    }
    const auto scopes = credentials::read_scopes(outcome);
    HOLDS(scopes || !scopes.error().message.empty());
    if (scopes) static_cast<void>(credentials::missing_scopes(*scopes));
}

}  // namespace

void one_input(std::string_view input) {
    static Caller caller;
    std::string_view rest = input;
    const std::string_view method = take_line(rest);
    const auto parts = sections(rest, 2);
    const HttpOutcome outcome = caller.call(method == "GET" || method == "HEAD" ? method : "POST", parts[0], parts[1]);
    check_outcome(outcome);
    check_readers(outcome);
}

}  // namespace ordersaga::fuzz
