#include "runtime/trace.hpp"

#include "runtime/crypto.hpp"
#include "runtime/random.hpp"

#include <cstdint>

namespace ordersaga::runtime {
namespace {

std::string random_hex(Random& random, int words) {
    std::string bytes;
    for (int i = 0; i < words; ++i) {
        std::uint64_t word = random.next();
        if (word == 0) word = 1;  // all zero means "no id" to every reader
        for (int shift = 56; shift >= 0; shift -= 8)
            bytes += static_cast<char>(word >> shift);
    }
    return to_hex(bytes);
}

bool is_lower_hex(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_zero(std::string_view text) {
    return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::string TraceContext::header() const {
    return "00-" + trace_id + "-" + span_id + (sampled ? "-01" : "-00");
}

TraceContext TraceContext::child(Random& random) const {
    return {trace_id, random_hex(random, 1), sampled};
}

TraceContext new_trace(Random& random) {
    std::string trace_id = random_hex(random, 2);
    std::string span_id = random_hex(random, 1);
    return {std::move(trace_id), std::move(span_id), true};
}

std::optional<TraceContext> parse_traceparent(std::string_view header) {
    if (header.size() < 55) return std::nullopt;
    const std::string_view version = header.substr(0, 2);
    const std::string_view trace_id = header.substr(3, 32);
    const std::string_view span_id = header.substr(36, 16);
    const std::string_view flags = header.substr(53, 2);
    if (header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
    if (!is_lower_hex(version) || version == "ff" || !is_lower_hex(flags)) return std::nullopt;
    if (!is_lower_hex(trace_id) || is_zero(trace_id) || !is_lower_hex(span_id) || is_zero(span_id)) return std::nullopt;
    if (version == "00" && header.size() != 55) return std::nullopt;
    if (header.size() > 55 && header[55] != '-') return std::nullopt;
    const char last = flags[1];
    const int low = last <= '9' ? last - '0' : last - 'a' + 10;
    return TraceContext{std::string(trace_id), std::string(span_id), (low & 1) != 0};
}

}  // namespace ordersaga::runtime
