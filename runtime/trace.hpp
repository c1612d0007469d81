// W3C trace context, version 00: one trace id goes from the webhook through the broker to every peer call and log line.
// Pure values, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ordersaga::runtime {

class Random;

struct TraceContext {
    std::string trace_id;  // 32 lower-case hexadecimal digits, not all zero
    std::string span_id;   // 16 of them, not all zero
    bool sampled = true;

    // "00-<trace>-<span>-01"
    std::string header() const;
    // Same trace, new span.
    TraceContext child(Random& random) const;
};

TraceContext new_trace(Random& random);

// Strict: version 00 with exactly 55 bytes; a newer version may have more behind a dash; ff, upper case and zero ids are
// refused. A refused header means: begin a new trace.
std::optional<TraceContext> parse_traceparent(std::string_view header);

}  // namespace ordersaga::runtime
