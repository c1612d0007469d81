// The header block of a request, judged byte by byte before any parser sees it. A lenient parser takes forms that two
// readers understand differently (a folded line, two lengths, "xchunked"); whoever stands between us and the peer may
// understand them the other way, and the difference is a smuggled request. Such forms are refused here. Pure.
#pragma once

#include "runtime/http_server.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ordersaga::runtime {

struct RequestHead {
    std::string method;
    std::string target;
    bool version_1_0 = false;
    HttpHeaders headers;
    std::optional<std::uint64_t> content_length;
    bool chunked = false;
    bool expects_continue = false;
};

struct FramingFault {
    int status = 400;
    std::string_view reason;  // a fixed text: nothing of the request is reflected
};

// Looks at what has arrived so far, which may be less than the block. A fault here is final whatever follows: a bare line
// feed, a control byte, a first line that no HTTP/1.x request begins with. `from` is where the last look ended.
std::optional<FramingFault> judge_partial_head(std::string_view bytes, std::size_t from);

// The offset behind the empty line that ends the block; npos while it has not arrived.
std::size_t end_of_head(std::string_view bytes, std::size_t from);

// `block` runs from the request line to the empty line, both included. On success `head` is filled.
std::optional<FramingFault> judge_head(std::string_view block, std::size_t field_limit, RequestHead& head);

}  // namespace ordersaga::runtime
