// A mail as bytes (RFC 5322, MIME). Nothing that comes from outside can end a header line or begin a part: headers carry
// encoded words, the text travels as base64. Pure; any thread.
#pragma once

#include "runtime/clock.hpp"

#include <string>
#include <string_view>

namespace ordersaga::notifier {

struct MailMessage {
    std::string from_address;  // as is_mail_address has it, like `to`
    std::string from_name;     // may be empty
    std::string to;
    std::string message_id;  // without the angle brackets; the same on every repeat
    runtime::Instant date;
    std::string subject;  // UTF-8
    std::string text;     // UTF-8
};

// Lines end with CR LF and are at most 78 bytes long, but for addresses.
std::string compose(const MailMessage& message);

// A header's value: as it is when it is short and plain, else as encoded words (RFC 2047), folded.
std::string header_text(std::string_view utf8);

// "local@domain" of plain ASCII without quotes, comments and blanks; both sides non-empty, at most 254 bytes.
bool is_mail_address(std::string_view text);

}  // namespace ordersaga::notifier
