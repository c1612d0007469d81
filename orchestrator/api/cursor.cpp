#include "orchestrator/api/cursor.hpp"

#include "orchestrator/api/problem.hpp"
#include "runtime/crypto.hpp"

#include <algorithm>
#include <optional>

namespace ordersaga::api {

namespace {

constexpr std::size_t check_size = 6;

std::string check_of(std::string_view list, std::string_view place) {
    return runtime::sha256(std::string(list) + "\n" + std::string(place)).substr(0, check_size);
}

// base64 in the alphabet of URLs, without padding.
std::string to_url_text(std::string_view bytes) {
    std::string text = runtime::base64_encode(bytes);
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    text.erase(std::min(text.find('='), text.size()));
    return text;
}

std::optional<std::string> from_url_text(std::string_view given) {
    if (given.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
    std::string text(given);
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    text.append((4 - text.size() % 4) % 4, '=');
    return runtime::base64_decode(text);
}

}  // namespace

std::string seal_cursor(std::string_view list, std::string_view place) {
    return to_url_text(check_of(list, place) + std::string(place));
}

std::string open_cursor(std::string_view list, std::string_view cursor) {
    const std::optional<std::string> bytes = from_url_text(cursor);
    if (bytes && bytes->size() > check_size) {
        std::string place = bytes->substr(check_size);
        if (bytes->starts_with(check_of(list, place))) return place;
    }
    throw Problem(400, "after must be the next of this list's page before");
}

}  // namespace ordersaga::api
