#include "orchestrator/cli/peer_calls.hpp"

#include "orchestrator/cli/blocking_call.hpp"
#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/lenient_json.hpp"
#include "orchestrator/cli/table.hpp"
#include "runtime/json.hpp"
#include "runtime/sealing.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

namespace ordersaga::cli {

namespace {

using nlohmann::json;
using runtime::HttpCall;
using runtime::HttpOutcome;

constexpr int most_patience = 5;  // with a peer that is asked too often
constexpr int most_pages = 1'000;
constexpr std::size_t longest_said = 300;

std::string token_of(const Context& context, db::Session& session, const db::Peer& peer) {
    if (!peer.has_credential) return secret_behind(context.world, peer.token_ref, "the token of " + peer.key.subject);
    runtime::Result<runtime::KeyRing> keys =
        runtime::KeyRing::parse(required(context.settings.credentials_keys, "credentials_keys"));
    if (!keys) throw CliError(ExitCode::usage, "ORDERSAGA_CREDENTIALS_KEYS: " + keys.error().message);
    std::optional<std::string> token;
    session.transact([&](db::Transaction& transaction) { token = db::access_token(transaction, *keys, peer.key); });
    if (!token)
        throw CliError(
            ExitCode::conflict, peer.key.subject +
                                    " has a credential, but no valid token: see sagactl credential list (a running "
                                    "orchestrator gets tokens)");
    return *token;
}

// Text of a peer: hostile until it is one plain line.
std::string said(const std::string& text) {
    return printable(text.substr(0, longest_said));
}

// The first message of a GraphQL answer's errors, with its code.
std::string first_error(const json& body, std::string& code) {
    const json& errors = member(body, "errors");
    if (errors.is_string()) return said(errors.get<std::string>());
    if (!errors.is_array() || errors.empty()) return {};
    code = text_of(member(member(errors.front(), "extensions"), "code"));
    return said(text_of(member(errors.front(), "message")));
}

[[noreturn]] void refuse(const db::Peer& peer, ExitCode code, const std::string& what) {
    throw CliError(code, peer.key.subject + " " + what);
}

// What no caller has an answer to.
void require_admitted(const db::Peer& peer, const HttpOutcome& outcome) {
    if (!outcome.is_response())
        refuse(peer, ExitCode::not_reachable, "gives no answer: " + outcome.error + " (" + peer.base_url + ")");
    switch (outcome.status) {
        case 401: refuse(peer, ExitCode::not_allowed, "refuses the token: sagactl credential set " + peer.key.subject);
        case 402: refuse(peer, ExitCode::refused, "is frozen: its bill is not paid");
        case 403: refuse(peer, ExitCode::not_allowed, "does not let this token do that: a scope is missing");
        case 423: refuse(peer, ExitCode::refused, "is locked");
        default: break;
    }
    if (outcome.status >= 500)
        refuse(peer, ExitCode::not_reachable, "answers " + std::to_string(outcome.status) + ": try again later");
}

// How long to wait, as a peer says it: whole seconds, or a little.
std::chrono::seconds wait_asked_for(const HttpOutcome& outcome) {
    for (const char* name : {"x-retry-after", "retry-after"}) {
        const std::string* header = outcome.header(name);
        int seconds = 0;
        if (header == nullptr) continue;
        const auto [end, fault] = std::from_chars(header->data(), header->data() + header->size(), seconds);
        if (fault == std::errc{} && seconds > 0) return std::chrono::seconds(std::min(seconds, 60));
    }
    return std::chrono::seconds(2);
}

bool asks_to_wait(const HttpOutcome& outcome) {
    if (outcome.status == 429) return true;
    if (outcome.status != 200 || outcome.body.find("THROTTLED") == std::string::npos) return false;
    const runtime::Result<json> body = runtime::parse_json(outcome.body);
    std::string code;
    return body && !first_error(*body, code).empty() && code == "THROTTLED";
}

// Nothing was done when a peer says that it is asked too often, so that even a change may be asked for again.
HttpOutcome call(const db::Peer& peer, const HttpCall& question) {
    HttpOutcome outcome = call_and_wait(question);
    for (int patience = most_patience; asks_to_wait(outcome) && patience > 0; --patience) {
        std::this_thread::sleep_for(wait_asked_for(outcome));
        outcome = call_and_wait(question);
    }
    require_admitted(peer, outcome);
    return outcome;
}

json body_of(const db::Peer& peer, const HttpOutcome& outcome) {
    runtime::Result<json> body =
        runtime::parse_json(outcome.body, {.depth = 64, .elements = 1'000'000, .refuse_nul_in_text = false});
    if (!body) refuse(peer, ExitCode::refused, "does not answer in JSON: is its base_url right? " + peer.base_url);
    return std::move(*body);
}

}  // namespace

OpenedPeer open_peer(
    const Context& context,
    db::Session& session,
    const std::string& subject,
    const std::string& merchant) {
    std::vector<db::Peer> found;
    session.transact([&](db::Transaction& transaction) { found = db::peers_called(transaction, subject); });
    if (!merchant.empty())
        std::erase_if(found, [&merchant](const db::Peer& peer) { return peer.merchant_name != merchant; });
    if (found.empty())
        throw CliError(
            ExitCode::not_found, "there is no " + printable(subject) + ": describe it to sagactl setup first");
    if (found.size() > 1)
        throw CliError(ExitCode::usage, "several merchants have " + printable(subject) + ": name one with --merchant");
    std::string token = token_of(context, session, found.front());
    return {std::move(found.front()), std::move(token)};
}

json StoreCalls::ask(std::string_view root, std::string_view text, const json& variables) const {
    HttpCall question;
    question.method = "POST";
    question.url = store_.peer.base_url + "/admin/api/" + store_.peer.api_version + "/graphql.json";
    question.headers = {
        {"Content-Type", "application/json"}, {"Accept", "application/json"}, {"X-Shopify-Access-Token", store_.token}};
    question.body = runtime::dump_json({{"query", text}, {"variables", variables}});
    const json body = body_of(store_.peer, call(store_.peer, question));
    json answer = member(member(body, "data"), root);
    if (!answer.is_null()) return answer;
    std::string code;
    const std::string message = first_error(body, code);
    refuse(
        store_.peer, code == "ACCESS_DENIED" ? ExitCode::not_allowed : ExitCode::refused,
        "refuses " + std::string(root) + ": " + (message.empty() ? "it answers nothing" : message));
}

std::vector<json> StoreCalls::ask_for_all(std::string_view root, std::string_view text, json variables, int page_size)
    const {
    std::vector<json> nodes;
    variables["first"] = page_size;
    variables["after"] = nullptr;
    for (int page = 0; page < most_pages; ++page) {
        const json answer = ask(root, text, variables);
        for (const json& node : member(answer, "nodes"))
            nodes.push_back(node);
        const json& more = member(answer, "pageInfo");
        if (member(more, "hasNextPage") != true) return nodes;
        variables["after"] = member(more, "endCursor");
    }
    refuse(store_.peer, ExitCode::refused, "has more " + std::string(root) + " than can be read");
}

std::string StoreCalls::change(std::string_view root, std::string_view text, const json& variables) const {
    const json answer = ask(root, text, variables);
    const json& errors = member(answer, "userErrors");
    if (!errors.is_array() || errors.empty()) return {};
    const std::string message = said(text_of(member(errors.front(), "message")));
    return message.empty() ? "it does not say why" : message;
}

// --- warehouse -----------------------------------------------------------------------------------------------------

namespace {

HttpCall warehouse_call(const OpenedPeer& warehouse, const std::string& method, const std::string& path) {
    HttpCall question;
    question.method = method;
    question.url = warehouse.peer.base_url + path;
    question.headers = {{"Accept", "application/json"}, {"Authorization", "Bearer " + warehouse.token}};
    return question;
}

// The next page's path; empty when there is none. An address of another host is not followed: the token would go there.
std::string next_path(const OpenedPeer& warehouse, const json& page) {
    std::string next = text_of(member(page, "next"));
    if (next.starts_with(warehouse.peer.base_url + "/")) next.erase(0, warehouse.peer.base_url.size());
    return next.starts_with("/" + warehouse.peer.api_version + "/") ? next : std::string();
}

std::string complaint_of(const HttpOutcome& outcome) {
    if (outcome.status >= 200 && outcome.status < 300) return {};
    return "it answers " + std::to_string(outcome.status) + (outcome.body.empty() ? "" : ": " + said(outcome.body));
}

}  // namespace

std::vector<json> WarehouseCalls::get_all(const std::string& resource) const {
    std::vector<json> items;
    std::string path = "/" + warehouse_.peer.api_version + "/" + resource;
    for (int page = 0; page < most_pages; ++page) {
        const HttpOutcome outcome = call(warehouse_.peer, warehouse_call(warehouse_, "GET", path));
        if (const std::string complaint = complaint_of(outcome); !complaint.empty())
            refuse(warehouse_.peer, ExitCode::refused, "does not list " + resource + ": " + complaint);
        const json body = body_of(warehouse_.peer, outcome);
        for (const json& item : body.is_array() ? body : member(body, "items"))
            items.push_back(item);
        path = next_path(warehouse_, body);
        if (path.empty()) return items;
    }
    refuse(warehouse_.peer, ExitCode::refused, "has more of " + resource + " than can be read");
}

std::string WarehouseCalls::post(const std::string& resource, const json& body) const {
    HttpCall question = warehouse_call(warehouse_, "POST", "/" + warehouse_.peer.api_version + "/" + resource);
    question.headers.emplace_back("Content-Type", "application/json");
    question.body = runtime::dump_json(body);
    return complaint_of(call(warehouse_.peer, question));
}

std::string WarehouseCalls::remove(const std::string& resource) const {
    return complaint_of(call(
        warehouse_.peer, warehouse_call(warehouse_, "DELETE", "/" + warehouse_.peer.api_version + "/" + resource)));
}

}  // namespace ordersaga::cli
