#include "orchestrator/cli/rest_client.hpp"

#include "orchestrator/cli/blocking_call.hpp"
#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/table.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/json.hpp"
#include "runtime/url.hpp"

#include <chrono>
#include <thread>

namespace ordersaga::cli {

namespace {

constexpr const char* default_url = "http://127.0.0.1:8081";
constexpr std::size_t page_size = 200;
constexpr int most_patience = 5;  // with a service that says 429

ExitCode code_of(int status) {
    switch (status) {
        case 401:
        case 403: return ExitCode::not_allowed;
        case 404: return ExitCode::not_found;
        case 409:
        case 412: return ExitCode::conflict;
        case 400:
        case 405:
        case 413:
        case 415:
        case 422: return ExitCode::usage;
        case 429:
        case 502:
        case 503:
        case 504: return ExitCode::not_reachable;
        default: return ExitCode::refused;
    }
}

// What the service says about itself is hostile until shown as plain text: it may repeat a peer's words.
std::string complaint_of(const runtime::HttpOutcome& outcome) {
    const runtime::Result<nlohmann::json> problem = runtime::parse_json(outcome.body);
    if (problem) {
        for (const char* member : {"detail", "title"}) {
            const nlohmann::json* text = runtime::find_member(*problem, member);
            if (text != nullptr && text->is_string()) return printable(text->get_ref<const std::string&>());
        }
    }
    return "the service answered " + std::to_string(outcome.status);
}

// Retry-After, if it is short; a second otherwise.
std::chrono::seconds wait_asked_for(const runtime::HttpOutcome& outcome) {
    const std::string* header = outcome.header("retry-after");
    const bool is_short = header != nullptr && header->size() == 1 && header->front() >= '0' && header->front() <= '5';
    return std::chrono::seconds(is_short ? header->front() - '0' : 1);
}

}  // namespace

struct RestClient::Impl {
    std::string base;
    std::string token;

    nlohmann::json send(runtime::HttpCall call) {
        call.headers.emplace_back("Authorization", "Bearer " + token);
        call.headers.emplace_back("Accept", "application/json");
        call.total_timeout = std::chrono::seconds(20);
        const bool changes_something = call.method != "GET";
        runtime::HttpOutcome outcome = call_and_wait(call);
        // Nothing was done then, so that even a change may be asked for again.
        for (int patience = most_patience; outcome.status == 429 && patience > 0; --patience) {
            std::this_thread::sleep_for(wait_asked_for(outcome));
            outcome = call_and_wait(call);
        }
        if (changes_something) runtime::crash_point("sagactl.answered");
        return read(outcome, changes_something);
    }

    nlohmann::json read(const runtime::HttpOutcome& outcome, bool changes_something) const {
        if (!outcome.is_response()) {
            std::string text = "no answer from " + base + ": " + outcome.error +
                               "\nIs the orchestrator running? --url or ORDERSAGA_URL names its private listener.";
            if (changes_something && outcome.kind == runtime::HttpOutcome::Kind::unknown) {
                text += "\nIt may have been done all the same: look before repeating it.";
            }
            throw CliError(ExitCode::not_reachable, text);
        }
        if (outcome.status < 200 || outcome.status > 299)
            throw CliError(code_of(outcome.status), complaint_of(outcome));
        runtime::Result<nlohmann::json> body =
            runtime::parse_json(outcome.body, {.depth = 64, .elements = 1'000'000, .refuse_nul_in_text = false});
        if (!body)
            throw CliError(
                ExitCode::refused, base + " does not answer in JSON: is it the orchestrator's private listener?");
        return std::move(*body);
    }
};

RestClient::RestClient(const Settings& settings) : impl_(std::make_unique<Impl>()) {
    const runtime::Result<std::string> base = runtime::parse_base_url(settings.url.value_or(default_url));
    if (!base) throw CliError(ExitCode::usage, "--url: " + base.error().message);
    impl_->base = *base;
    impl_->token = required(settings.token, "token");
    for (const char letter : impl_->token) {
        if (letter <= ' ' || letter > '~')
            throw CliError(ExitCode::usage, "the token holds a character that no token has");
    }
}

RestClient::~RestClient() = default;

nlohmann::json RestClient::get(const std::string& path, const Query& query) {
    runtime::HttpCall call;
    call.url = impl_->base + "/api/v1" + path;
    char separator = '?';
    for (const auto& [name, value] : query) {
        if (value.empty()) continue;
        call.url += separator + name + "=" + runtime::percent_encode(value);
        separator = '&';
    }
    return impl_->send(std::move(call));
}

nlohmann::json RestClient::get_items(const std::string& path, Query query, std::size_t limit) {
    nlohmann::json items = nlohmann::json::array();
    query.emplace_back("limit", "");
    query.emplace_back("after", "");
    while (items.size() < limit) {
        query[query.size() - 2].second = std::to_string(std::min(page_size, limit - items.size()));
        const nlohmann::json page = get(path, query);
        for (const nlohmann::json& item : page.at("items"))
            items.push_back(item);
        const nlohmann::json* next = runtime::find_member(page, "next");
        if (next == nullptr) break;
        query.back().second = next->get<std::string>();
    }
    return items;
}

nlohmann::json RestClient::post(
    const std::string& path,
    const nlohmann::json& body,
    const std::vector<std::pair<std::string, std::string>>& headers) {
    runtime::HttpCall call;
    call.method = "POST";
    call.url = impl_->base + "/api/v1" + path;
    call.body = runtime::dump_json(body);
    call.headers = headers;
    call.headers.emplace_back("Content-Type", "application/json");
    return impl_->send(std::move(call));
}

}  // namespace ordersaga::cli
