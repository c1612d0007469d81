#include "runtime/http_framing.hpp"

#include "runtime/text.hpp"

#include <algorithm>

namespace ordersaga::runtime {
namespace {

constexpr std::size_t longest_method = 16;

bool is_token_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// %00, %0a and %0d turn into what splits a line or cuts a text once somebody decodes them.
bool has_escaped_control(std::string_view target) {
    for (std::size_t i = 0; i + 2 < target.size(); ++i) {
        if (target[i] != '%' || target[i + 1] != '0') continue;
        const char last = target[i + 2];
        if (last == '0' || last == 'a' || last == 'A' || last == 'd' || last == 'D') return true;
    }
    return false;
}

bool is_host_value(std::string_view host) {
    return !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-._:[]").find(c) != std::string_view::npos;
    });
}

std::optional<FramingFault> judge_request_line(std::string_view line, RequestHead& head) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return FramingFault{400, "malformed request line"};
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    const bool upper = std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (method.empty() || method.size() > longest_method || !upper) return FramingFault{400, "malformed method"};
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return FramingFault{400, "unsupported protocol version"};
    if (target.empty() || target.front() != '/') return FramingFault{400, "the target must begin with a slash"};
    for (const char c : target) {
        if (c <= 0x20 || c > 0x7e) return FramingFault{400, "forbidden byte in the target"};
    }
    if (has_escaped_control(target)) return FramingFault{400, "forbidden escape in the target"};
    head.method = method;
    head.target = target;
    head.version_1_0 = version == "HTTP/1.0";
    return std::nullopt;
}

std::optional<FramingFault> judge_field(std::string_view line, RequestHead& head) {
    if (line.front() == ' ' || line.front() == '\t') return FramingFault{400, "folded header field"};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
        return FramingFault{400, "malformed header field"};
    }
    const std::string_view value = trimmed(line.substr(colon + 1));
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return FramingFault{400, "control byte in a header field"};
    }
    head.headers.emplace_back(line.substr(0, colon), value);
    return std::nullopt;
}

std::optional<FramingFault> judge_length(RequestHead& head) {
    const std::size_t lengths = head.headers.empty() ? 0 : count_header(head.headers, "Content-Length");
    const std::size_t codings = count_header(head.headers, "Transfer-Encoding");
    if (lengths > 1) return FramingFault{400, "more than one Content-Length"};
    if (codings > 1) return FramingFault{400, "more than one Transfer-Encoding"};
    if (lengths == 1 && codings == 1) return FramingFault{400, "both Content-Length and Transfer-Encoding"};
    if (codings == 1) {
        if (head.version_1_0) return FramingFault{400, "Transfer-Encoding in HTTP/1.0"};
        if (*find_header(head.headers, "Transfer-Encoding") != "chunked") {
            return FramingFault{400, "a Transfer-Encoding other than chunked"};
        }
        head.chunked = true;
    }
    if (lengths == 1) {
        const std::string& text = *find_header(head.headers, "Content-Length");
        if (!is_digits(text)) return FramingFault{400, "malformed Content-Length"};
        if (text.size() > 18) return FramingFault{413, "the body is too large"};
        std::uint64_t length = 0;
        for (const char c : text)
            length = length * 10 + static_cast<std::uint64_t>(c - '0');
        head.content_length = length;
    }
    return std::nullopt;
}

}  // namespace

std::optional<FramingFault> judge_partial_head(std::string_view bytes, std::size_t from) {
    for (std::size_t i = from; i < bytes.size(); ++i) {
        const char c = bytes[i];
        if (c == '\0') return FramingFault{400, "a NUL byte in the header"};
        if (c == '\n' && (i == 0 || bytes[i - 1] != '\r'))
            return FramingFault{400, "a line feed without carriage return"};
        if (c != '\n' && i > 0 && bytes[i - 1] == '\r') return FramingFault{400, "a carriage return without line feed"};
        // The end of the block: what follows belongs to the body and is judged elsewhere.
        if (c == '\n' && i >= 3 && bytes[i - 2] == '\n') return std::nullopt;
    }
    // A stranger to HTTP (a TLS greeting, HTTP/2, an empty line) shows itself in the first bytes.
    const std::size_t first_line = bytes.find("\r\n");
    if (first_line != std::string_view::npos) {
        RequestHead ignored;
        return judge_request_line(bytes.substr(0, first_line), ignored);
    }
    const std::size_t space = bytes.find(' ');
    const std::string_view method = bytes.substr(0, std::min(space, longest_method + 1));
    const bool upper = std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (method.size() > longest_method || (!upper && !method.empty() && method != "\r")) {
        return FramingFault{400, "malformed method"};
    }
    return std::nullopt;
}

std::size_t end_of_head(std::string_view bytes, std::size_t from) {
    const std::size_t found = bytes.find("\r\n\r\n", from < 3 ? 0 : from - 3);
    return found == std::string_view::npos ? found : found + 4;
}

std::optional<FramingFault> judge_head(std::string_view block, std::size_t field_limit, RequestHead& head) {
    std::size_t at = block.find("\r\n");
    if (at == std::string_view::npos) return FramingFault{400, "malformed request line"};
    if (auto fault = judge_request_line(block.substr(0, at), head)) return fault;
    at += 2;
    while (at < block.size()) {
        const std::size_t end = block.find("\r\n", at);
        if (end == std::string_view::npos) return FramingFault{400, "malformed header field"};
        if (end == at) break;
        if (head.headers.size() == field_limit) return FramingFault{400, "too many header fields"};
        if (auto fault = judge_field(block.substr(at, end - at), head)) return fault;
        at = end + 2;
    }
    const std::size_t hosts = count_header(head.headers, "Host");
    if (hosts != 1) return FramingFault{400, hosts == 0 ? "no Host" : "more than one Host"};
    if (!is_host_value(*find_header(head.headers, "Host"))) return FramingFault{400, "malformed Host"};
    if (auto fault = judge_length(head)) return fault;
    const std::size_t expectations = count_header(head.headers, "Expect");
    if (expectations > 0) {
        const bool known =
            expectations == 1 && equal_without_case(*find_header(head.headers, "Expect"), "100-continue");
        if (!known) return FramingFault{417, "unknown expectation"};
        head.expects_continue = !head.version_1_0;
    }
    return std::nullopt;
}

}  // namespace ordersaga::runtime
