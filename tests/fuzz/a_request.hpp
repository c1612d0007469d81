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

// A refusal tells why, in a text of our own.
inline void check_refusal(const runtime::HttpResponse& answer, std::string_view input) {
    HOLDS(answer.status == 400 || answer.status == 401 || answer.status == 405 || answer.status == 415);
    HOLDS(answer.close_connection && answer.body.starts_with(R"({"error":")") && answer.body.size() > 15);
    HOLDS(input.size() < 40 || answer.body.find(input.substr(0, 40)) == std::string::npos);
}

}  // namespace ordersaga::fuzz
