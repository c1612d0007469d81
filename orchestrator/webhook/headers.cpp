#include "orchestrator/webhook/headers.hpp"

#include "orchestrator/webhook/decision.hpp"
#include "runtime/json.hpp"
#include "runtime/random.hpp"
#include "runtime/trace.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::webhook {

HeaderValue header_of(const runtime::HttpRequest& request, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        const std::size_t count = request.header_count(name);
        if (count > 0) return {*request.header(name), count > 1};
    }
    return {};
}

bool is_plain_token(std::string_view text, std::size_t longest) {
    if (text.empty() || text.size() > longest) return false;
    return std::all_of(text.begin(), text.end(), [](char letter) { return letter > ' ' && letter < '\x7f'; });
}

std::string plain_or_empty(const std::string& text) {
    return is_plain_token(text, 200) ? text : std::string();
}

bool is_encoded(const runtime::HttpRequest& request) {
    const std::string* encoding = request.header("content-encoding");
    return encoding != nullptr && *encoding != "identity";
}

std::string trace_of(const runtime::HttpRequest& request) {
    const std::string* given = request.header("traceparent");
    runtime::SystemRandom random;
    if (given != nullptr && request.header_count("traceparent") == 1) {
        if (const std::optional<runtime::TraceContext> trace = runtime::parse_traceparent(*given)) {
            return trace->child(random).header();
        }
    }
    return runtime::new_trace(random).header();
}

runtime::HttpResponse refuse_webhook(int status, std::string_view text) {
    runtime::HttpResponse response;
    response.status = status;
    response.body = runtime::dump_json({{"error", text}});
    response.close_connection = true;
    if (status == 405) response.headers.emplace_back("Allow", "POST");
    if (status == 503) response.headers.emplace_back("Retry-After", "2");  // seconds
    return response;
}

runtime::HttpResponse turn_webhook_away(std::chrono::seconds returns_in) {
    runtime::HttpResponse response = refuse_webhook(503, "too much at once, deliver it again");
    response.headers = {{"Retry-After", std::to_string(returns_in.count())}};
    response.close_connection = false;  // its sender is who he says, and will be back
    return response;
}

}  // namespace ordersaga::webhook
