// The header block of a request, as it arrives: however it is cut into packets, the reading is the same, and what is
// accepted means one thing only.
#include "runtime/http_framing.hpp"
#include "runtime/url.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <functional>

namespace ordersaga::fuzz {
namespace {

using runtime::FramingFault;
using runtime::RequestHead;

constexpr std::size_t most_fields = 20;

struct Reading {
    std::optional<FramingFault> fault;
    std::optional<RequestHead> head;  // neither: the block has not ended
};

// As the server reads: looks at what has arrived after each packet.
Reading read(std::string_view bytes, const std::function<std::size_t(std::size_t)>& next_cut) {
    std::size_t looked = 0;
    while (looked < bytes.size()) {
        const std::size_t arrived = std::min(bytes.size(), next_cut(looked));
        const std::string_view so_far = bytes.substr(0, arrived);
        if (auto fault = runtime::judge_partial_head(so_far, looked)) return {fault, {}};
        const std::size_t end = runtime::end_of_head(so_far, looked);
        if (end != std::string_view::npos) {
            HOLDS(end <= so_far.size() && so_far.substr(end - 4, 4) == "\r\n\r\n");
            RequestHead head;
            if (auto fault = runtime::judge_head(so_far.substr(0, end), most_fields, head)) return {fault, {}};
            return {{}, std::move(head)};
        }
        looked = arrived;
    }
    return {};
}

std::string printed(const RequestHead& head) {
    std::string text = head.method + " " + head.target + (head.version_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    for (const auto& [name, value] : head.headers)
        text += name + ": " + value + "\r\n";
    return text + "\r\n";
}

void check_fault(const FramingFault& fault) {
    HOLDS(fault.status == 400 || fault.status == 413 || fault.status == 417);
    HOLDS(!fault.reason.empty() && !has_control(fault.reason));
}

void check_head(const RequestHead& head) {
    HOLDS(!head.method.empty() && head.method.size() <= 16);
    HOLDS(std::all_of(head.method.begin(), head.method.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
    HOLDS(head.target.starts_with('/'));
    HOLDS(std::all_of(head.target.begin(), head.target.end(), [](char c) { return c > 0x20 && c < 0x7f; }));
    HOLDS(head.headers.size() <= most_fields);
    HOLDS(runtime::count_header(head.headers, "host") == 1);
    HOLDS(!(head.chunked && head.content_length));
    HOLDS(head.chunked == (runtime::count_header(head.headers, "transfer-encoding") == 1));
    HOLDS(head.content_length.has_value() == (runtime::count_header(head.headers, "content-length") == 1));
    HOLDS(!head.version_1_0 || (!head.chunked && !head.expects_continue));
    for (const auto& [name, value] : head.headers) {
        HOLDS(!name.empty() && name.find_first_of(" \t:\r\n") == std::string::npos);
        HOLDS(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    }
}

void check_target(std::string_view target) {
    const std::size_t question = target.find('?');
    if (const auto path = runtime::percent_decode(target.substr(0, question))) {
        HOLDS(path->find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
        HOLDS(runtime::percent_decode(runtime::percent_encode(*path)) == *path);
    }
    if (question == std::string_view::npos) return;
    const auto pairs = runtime::parse_query(target.substr(question + 1));
    if (!pairs) return;
    std::string again;
    for (const auto& [name, value] : *pairs)
        again += (again.empty() ? "" : "&") + runtime::percent_encode(name) + "=" + runtime::percent_encode(value);
    HOLDS(runtime::parse_query(again) == pairs);
}

}  // namespace

void one_input(std::string_view input) {
    const Reading whole = read(input, [&](std::size_t) { return input.size(); });
    const std::size_t middle = input.size() / 2;
    const Reading halves = read(input, [&](std::size_t at) { return at < middle ? middle : input.size(); });
    const Reading bytes = read(input, [](std::size_t at) { return at + 1; });
    for (const Reading* reading : {&whole, &halves, &bytes}) {
        HOLDS(reading->fault.has_value() == whole.fault.has_value());
        HOLDS(reading->head.has_value() == whole.head.has_value());
        if (reading->fault) check_fault(*reading->fault);
        if (reading->head) HOLDS(printed(*reading->head) == printed(*whole.head));
    }
    if (!whole.head) return;
    check_head(*whole.head);
    check_target(whole.head->target);
    RequestHead again;
    HOLDS(!runtime::judge_head(printed(*whole.head), most_fields, again));
    HOLDS(printed(again) == printed(*whole.head) && again.content_length == whole.head->content_length);
}

}  // namespace ordersaga::fuzz
