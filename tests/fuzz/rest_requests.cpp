// The private listener's handler, all routes, in front of scripted answers: a request that is not understood is refused with the
// reason, none becomes an internal error, and a cursor opens only for the list it was made for.
//
//   POST /api/v1/sagas/x/retry     method and target
//   If-Match: "7"                  header fields, the token is added
//   ====
//   {"reason": "asked"}
//
// Not here: POST /session, where each guess costs what guessing shall cost, and the live stream behind GET /live.
#include "orchestrator/api/cursor.hpp"
#include "orchestrator/api/private_listener.hpp"
#include "orchestrator/api/problem.hpp"
#include "orchestrator/api/request_reader.hpp"
#include "runtime/crypto.hpp"
#include "runtime/json.hpp"
#include "runtime/metrics.hpp"
#include "runtime/url.hpp"
#include "tests/fuzz/a_request.hpp"
#include "tests/unit/api/scripted_answers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <exception>
#include <optional>
#include <string>

namespace ordersaga::fuzz {
namespace {

using namespace api;
using runtime::HttpRequest;
using runtime::HttpResponse;

const std::string token = "the token of an administrator";

struct Service {
    Script script;
    ScriptedEngine engine;
    runtime::ManualClock clock{runtime::Instant{std::chrono::seconds(1'780'000'000)}};
    runtime::Metrics metrics;
    QueryThreads queries{[this] { return std::make_unique<ScriptedQueries>(script); }, 1};
    runtime::HttpHandler handler = make_private_handler(queries, engine, clock, metrics, {});
    boost::asio::io_context context{1};

    Service() {
        const std::string hash = runtime::sha256_hex(token);
        script.tokens[hash] = {{}, "admin", Role::admin, "token.admin", {{{1}, "Shirts"}}};
    }

    HttpResponse ask(HttpRequest request) {
        clock.advance(std::chrono::minutes(1));  // nobody asks too often here
        engine.offered.clear();
        engine.previewed.clear();
        script.claims.clear();
        script.fingerprints.clear();
        std::optional<HttpResponse> response;
        boost::asio::co_spawn(
            boost::asio::make_strand(context), handler(std::move(request)),
            [&](const std::exception_ptr& fault, HttpResponse answer) {
                HOLDS(!fault);
                response = std::move(answer);
            });
        while (!response) {
            const auto work = boost::asio::make_work_guard(context);
            context.run_one();
        }
        context.poll();
        context.restart();
        return std::move(*response);
    }
};

void check_cursor(std::string_view text) {
    try {
        const std::string place = open_cursor("sagas", text);
        HOLDS(seal_cursor("sagas", place) == text);
    } catch (const Problem& problem) {
        HOLDS(problem.status() == 400);
    }
    if (text.empty()) return;
    const std::string sealed = seal_cursor("sagas", text);
    HOLDS(open_cursor("sagas", sealed) == text && runtime::percent_encode(sealed) == sealed);
    bool opened = true;
    try {
        static_cast<void>(open_cursor("stock", sealed));
    } catch (const Problem&) {
        opened = false;
    }
    HOLDS(!opened);
}

}  // namespace

void one_input(std::string_view input) {
    const auto parts = sections(input, 2);
    std::string_view head = parts[0];
    const std::string_view line = take_line(head);
    const std::size_t space = line.find(' ');
    HttpRequest request;
    request.method = line.substr(0, space);
    request.target = space == std::string_view::npos ? "/" : line.substr(space + 1);
    request.headers = headers_of(head);
    request.body = parts[1];
    request.remote_address = "127.0.0.1";
    // As the server hands it over: nothing that it would have refused.
    const std::string target = request.target;
    const auto path = runtime::percent_decode(std::string_view(target).substr(0, target.find('?')));
    const std::size_t question = target.find('?');
    const auto query =
        runtime::parse_query(question == std::string::npos ? "" : std::string_view(target).substr(question + 1));
    if (!path || !path->starts_with('/') || !query || has_control(target)) return;
    request.path = *path;
    request.query = *query;
    check_cursor(parts[1]);
    if (request.method == "POST" && request.path == "/session") return;
    if (request.header("host") == nullptr) request.headers.emplace_back("Host", "localhost");
    if (request.header("authorization") == nullptr) request.headers.emplace_back("Authorization", "Bearer " + token);
    const bool is_command = request.method == "POST";

    static Service service;
    const HttpResponse response = service.ask(std::move(request));
    HOLDS(response.status >= 200 && response.status < 600 && response.status != 500);
    if (response.status >= 400) {
        const auto problem = runtime::parse_json(response.body);
        HOLDS(problem && problem->is_object());
        HOLDS(!runtime::get_text(*problem, "detail").value_or("").empty() || response.status == 503);
    }
    for (const auto& [name, value] : response.headers)
        HOLDS(!has_control(name) && !has_control(value));
    HOLDS(is_command || service.engine.offered.empty());
}

}  // namespace ordersaga::fuzz
