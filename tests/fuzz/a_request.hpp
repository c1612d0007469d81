// A request from the first section of an input: lines "name: value". Of the fuzz targets only.
#pragma once

#include "runtime/http_server.hpp"
#include "tests/fuzz/target.hpp"

#include <string>

namespace ordersaga::fuzz {

inline runtime::HttpHeaders headers_of(std::string_view lines) {
    runtime::HttpHeaders headers;
    while (!lines.empty() && headers.size() < 30) {
        const std::string_view line = take_line(lines);
        const std::size_t colon = line.find(": ");
        if (colon == std::string_view::npos) continue;
        headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    return headers;
}

// A refusal tells why, in a text of our own: nothing that was sent comes back. A mark is put into what was sent, as a fuzzer soon
// knows our texts and sends them.
template <class Decide>
void check_refusal(const runtime::HttpResponse& answer, const runtime::HttpRequest& request, const Decide& decide) {
    HOLDS(answer.status == 400 || answer.status == 401 || answer.status == 405 || answer.status == 415);
    HOLDS(answer.close_connection && answer.body.starts_with(R"({"error":")") && answer.body.size() > 15);
    const std::string mark = "m4rk-0f-th3-s3nd3r";
    const auto reflects = [&](const runtime::HttpRequest& marked) {
        const auto decision = decide(marked);
        return decision.answer && decision.answer->body.find(mark) != std::string::npos;
    };
    runtime::HttpRequest marked = request;
    marked.body += mark;
    HOLDS(!reflects(marked));
    for (auto& [name, value] : marked.headers)
        value += mark;
    HOLDS(!reflects(marked));
}

}  // namespace ordersaga::fuzz
