#include "activities/peer.hpp"

#include "activities/call_scope.hpp"
#include "activities/credentials.hpp"
#include "runtime/http_client.hpp"
#include "runtime/text.hpp"

#include <algorithm>
#include <memory>

namespace ordersaga::activities {

std::string_view PeerAnswer::header(std::string_view name) const {
    const auto same = [name](const std::pair<std::string, std::string>& field) {
        return runtime::equal_without_case(field.first, name);
    };
    const auto found = std::find_if(headers.begin(), headers.end(), same);
    return found == headers.end() ? std::string_view{} : std::string_view{found->second};
}

namespace {

PeerAnswer answer_of(runtime::HttpOutcome outcome, bool forbidden) {
    PeerAnswer answer;
    switch (outcome.kind) {
        case runtime::HttpOutcome::Kind::response: answer.kind = PeerAnswer::Kind::response; break;
        case runtime::HttpOutcome::Kind::not_sent:
            answer.kind = forbidden ? PeerAnswer::Kind::expired : PeerAnswer::Kind::not_sent;
            break;
        case runtime::HttpOutcome::Kind::unknown: answer.kind = PeerAnswer::Kind::unknown; break;
    }
    answer.status = outcome.status;
    answer.headers = std::move(outcome.headers);
    answer.body = std::move(outcome.body);
    answer.error = std::move(outcome.error);
    return answer;
}

}  // namespace

boost::asio::awaitable<PeerAnswer> exchange(runtime::HttpTransport& transport, PeerCall call, CallScope& scope) {
    if (!scope.may_call()) {
        PeerAnswer late;
        late.kind = PeerAnswer::Kind::expired;
        late.error = "the deadline has passed";
        co_return late;
    }
    runtime::HttpCall request;
    request.method = std::move(call.method);
    request.url = std::move(call.url);
    request.headers = std::move(call.headers);
    request.body = std::move(call.body);
    request.total_timeout = scope.time_for_call();
    request.connect_timeout = std::min(request.connect_timeout, request.total_timeout);
    if (!scope.traceparent().empty()) {
        request.headers.emplace_back("traceparent", scope.traceparent());
    }
    // Shared, because the transport may keep its copy of the question longer than this frame lives.
    const auto forbidden = std::make_shared<bool>(false);
    if (call.is_write) {
        request.before_first_byte = [forbidden, &scope] {
            *forbidden = !scope.may_write();
            return !*forbidden;
        };
    }
    runtime::HttpOutcome outcome = co_await transport.send(std::move(request));
    ++scope.lane.calls;
    PeerAnswer answer = answer_of(std::move(outcome), *forbidden);
    if (answer.kind == PeerAnswer::Kind::expired) {
        answer.error = scope.refusal();
    }
    co_return answer;
}

namespace {

PeerCall with_token(PeerCall call, const TokenHeader& header, const std::string& token) {
    call.headers.emplace_back(header.name, header.before_token + token);
    return call;
}

}  // namespace

boost::asio::awaitable<PeerAnswer> exchange(
    runtime::HttpTransport& transport,
    PeerCall call,
    TokenHeader header,
    const Access& access,
    CallScope& scope) {
    Credentials::Token token = co_await access.credentials->current(scope.merchant(), access.subject);
    if (token.text.empty()) {
        PeerAnswer locked_out;
        locked_out.kind = PeerAnswer::Kind::no_token;
        locked_out.error = "there is no valid token for " + access.subject;
        co_return locked_out;
    }
    PeerCall first = with_token(call, header, token.text);
    PeerAnswer answer = co_await exchange(transport, std::move(first), scope);
    if (answer.kind != PeerAnswer::Kind::response || answer.status != 401) {
        co_return answer;
    }
    Credentials::Token newer = co_await access.credentials->after_refusal(scope.merchant(), access.subject, token);
    if (newer.text.empty()) {
        co_return answer;
    }
    PeerCall repeat = with_token(std::move(call), header, newer.text);
    answer = co_await exchange(transport, std::move(repeat), scope);
    co_return answer;
}

}  // namespace ordersaga::activities
