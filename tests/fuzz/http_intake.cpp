// The listener itself, over loopback: whatever bytes a stranger sends, in two packets, every request gets one whole answer, a
// refusal says why, no handler sees more than the limits, and the connection ends.
#include "runtime/http_server.hpp"
#include "runtime/json.hpp"
#include "tests/fuzz/loopback_link.hpp"
#include "tests/fuzz/target.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <charconv>
#include <set>
#include <string>

namespace ordersaga::fuzz {
namespace {

using runtime::HttpRequest;
using runtime::HttpResponse;

constexpr std::size_t body_limit = 100;
constexpr std::size_t header_limit = 512;

struct Listener {
    boost::asio::io_context context{1};
    std::size_t handled = 0;
    runtime::HttpServer server{context.get_executor(), options(), [this](HttpRequest request) {
                                   return answer(std::move(request));
                               }};

    Listener() { server.start(); }

    static runtime::HttpServerOptions options() {
        runtime::HttpServerOptions made;
        made.body_limit_for = [](std::string_view, std::string_view path) {
            return path.starts_with("/small") ? 10 : body_limit;
        };
        made.header_limit = header_limit;
        made.header_fields = 10;
        made.max_requests_per_connection = 5;
        made.body_length_required_for_post = true;
        return made;
    }

    boost::asio::awaitable<HttpResponse> answer(HttpRequest request) {
        ++handled;
        HOLDS(request.path.starts_with('/') && request.target.starts_with('/'));
        HOLDS(request.path.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
        HOLDS(request.body.size() <= (request.path.starts_with("/small") ? 10 : body_limit));
        HOLDS(request.headers.size() <= 10 && request.header_count("host") == 1);
        const std::string* length = request.header("content-length");
        HOLDS(length == nullptr || std::stoull(*length) == request.body.size());
        HOLDS(length == nullptr || request.header("transfer-encoding") == nullptr);
        HttpResponse response;
        response.body = request.path == "/empty" ? "" : "{}";
        if (request.path == "/echo") response.headers.emplace_back("X-Echo", request.body);  // may hold line ends
        co_return response;
    }
};

struct Answer {
    int status = 0;
    std::string head, body;
};

// Cuts one answer off the front. Every one of ours is whole: the server never stops in the middle.
Answer take_answer(std::string_view& bytes) {
    Answer answer;
    HOLDS(bytes.starts_with("HTTP/1.1 "));
    const std::size_t end = bytes.find("\r\n\r\n");
    HOLDS(end != std::string_view::npos);
    answer.head = bytes.substr(0, end + 2);
    std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
    bytes.remove_prefix(end + 4);
    const std::size_t at = answer.head.find("\r\nContent-Length: ");
    std::size_t length = 0;
    if (at != std::string::npos)
        std::from_chars(answer.head.data() + at + 18, answer.head.data() + answer.head.size(), length);
    HOLDS(answer.status == 100 || at != std::string::npos);
    answer.body = bytes.substr(0, std::min(length, bytes.size()));
    bytes.remove_prefix(answer.body.size());
    return answer;
}

// How many answers there are besides those of the handler: at most one, the refusal that ends it.
void check_answers(std::string_view bytes, std::size_t handled, bool may_ask_for_heads) {
    static const std::set<int> refusals{400, 411, 413, 417, 431};
    std::size_t answered = 0;
    bool ended = false;
    while (!bytes.empty()) {
        HOLDS(!ended);
        const std::size_t before = bytes.size();
        const Answer answer = take_answer(bytes);
        HOLDS(bytes.size() < before);
        if (answer.status == 100) continue;
        if (answer.status == 200) {
            ++answered;
            // The answer to HEAD has a length and no body: what follows is the next answer.
            if (may_ask_for_heads && answer.body.starts_with("HT")) return;
            continue;
        }
        HOLDS(refusals.contains(answer.status));
        HOLDS(answer.head.find("\r\nConnection: close\r\n") != std::string::npos);
        const auto problem = runtime::parse_json(answer.body);
        HOLDS(problem && !runtime::get_text(*problem, "detail").value_or("").empty());
        ended = true;
    }
    HOLDS(answered == handled);
}

}  // namespace

void one_input(std::string_view input) {
    static Listener listener;
    listener.handled = 0;
    LoopbackLink link(listener.server.port());
    const std::size_t cut = input.find("\n====\n");
    const std::string_view first = input.substr(0, cut);
    std::string_view second;
    if (cut != std::string_view::npos) second = input.substr(cut + 6);
    link.send(first);
    if (!second.empty()) {
        for (int i = 0; i < 8; ++i)
            listener.context.poll();
        link.send(second);
    }
    link.finish();
    std::string answers;
    for (int round = 0; !link.receive(answers) || listener.server.connections() > 0; ++round) {
        HOLDS(round < 2'000);
        if (listener.context.poll() == 0) listener.context.run_one_for(std::chrono::milliseconds(5));
    }
    // The cut may go through the word.
    const std::string sent = std::string(first) + std::string(second);
    check_answers(answers, listener.handled, sent.find("HEAD") != std::string::npos);
}

}  // namespace ordersaga::fuzz
