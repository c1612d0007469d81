#pragma once

// The envelope around everything that goes over the broker: JSON, schema version 1. It knows who a message is for and
// when it is too late, nothing about orders: the payload is a JSON object kept as text, its meaning belongs to others.
//
//   {"schema":1,"kind":"command","message_id":"...","merchant_id":"m1","saga_id":"...","step":"FulfillmentRequested",
//    "activity":"warehouse.request_fulfillment","attempt":1,"attempt_token":"...","idempotency_key":"...",
//    "reply_to":"outcome.3","send_before":"2025-01-01T00:00:00.000000Z","deadline":"...",
//    "traceparent":"00-...","payload":{...}}
//
// Values; pure functions; any thread.

#include "runtime/clock.hpp"
#include "runtime/error.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ordersaga::broker {

inline constexpr int envelope_schema = 1;
inline constexpr std::size_t envelope_size_limit = 256 * 1024;

enum class EnvelopeKind { command, outcome, event };

std::string_view to_text(EnvelopeKind kind);

struct Envelope {
    EnvelopeKind kind = EnvelopeKind::command;
    std::string message_id;   // always; the same on every re-publish
    std::string merchant_id;  // always
    std::string saga_id;      // empty where no saga is meant (a flush, a public event)
    std::string step;
    std::string activity;       // command and outcome; for an event: its name, as in the routing key
    int attempt = 1;            // from 1
    std::string attempt_token;  // command and outcome: an outcome counts only while its token is the open one
    std::string idempotency_key;
    std::string reply_to;  // command: routing key for the outcome on the outcomes exchange ("outcome.3")
    std::optional<runtime::Instant> send_before;  // database time; never start a write at the peer after this
    std::optional<runtime::Instant> deadline;     // database time; after this the command is refused unread
    std::string traceparent;
    bool lists = false;          // the sender reads messages of several envelopes (envelope_list.hpp)
    std::string payload = "{}";  // JSON text of one object
};

/// JSON text, at most envelope_size_limit bytes. Error (invalid): a required field is missing for this kind, a text is
/// not UTF-8 or holds NUL, the payload is not a JSON object, or the result is too large.
runtime::Result<std::string> encode(const Envelope& envelope);

/// The reverse, for hostile bytes: size, nesting and element count are bounded while parsing; unknown fields are
/// ignored, another schema version is refused, each field is checked for type, length and range. The error names the
/// field and never repeats the payload.
runtime::Result<Envelope> decode(std::string_view body);

}  // namespace ordersaga::broker
