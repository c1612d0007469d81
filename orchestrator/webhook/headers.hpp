// Reading the headers of a webhook strictly. Pure.
#pragma once

#include "runtime/http_server.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace ordersaga::webhook {

struct HeaderValue {
    std::string text;       // empty when missing
    bool repeated = false;  // two of one name: readers would disagree about which one counts
};

// The first of `names` that is there at all.
HeaderValue header_of(const runtime::HttpRequest& request, std::initializer_list<std::string_view> names);

// 1 to `longest` visible ASCII characters: what an id or a topic may be made of.
bool is_plain_token(std::string_view text, std::size_t longest);

// The text when it is a plain token, else empty: for what is kept for people only.
std::string plain_or_empty(const std::string& text);

// A Content-Encoding other than identity: the signature is over the bytes sent, but nobody sends compressed webhooks.
bool is_encoded(const runtime::HttpRequest& request);

// The request's trace, or a new one.
std::string trace_of(const runtime::HttpRequest& request);

}  // namespace ordersaga::webhook
