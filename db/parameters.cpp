#include "db/parameters.hpp"

#include "db/errors.hpp"

#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace ordersaga::db {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

[[noreturn]] void refuse_timestamp(std::string_view text) {
    throw std::invalid_argument("not a timestamp: '" + std::string(text) + "'");
}

int read_digits(std::string_view text, std::size_t position, std::size_t count) {
    int value = 0;
    if (text.size() < position + count) {
        refuse_timestamp(text);
    }
    const char* begin = text.data() + position;
    const auto [end, error] = std::from_chars(begin, begin + count, value);
    if (error != std::errc{} || end != begin + count) {
        refuse_timestamp(text);
    }
    return value;
}

}  // namespace

Parameter::Parameter(std::string_view text) : text_(std::string(text)) {
    if (text.find('\0') != std::string_view::npos) {
        throw BadData("text holds a NUL character", "22021", "");
    }
}

Parameter::Parameter(double value) {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%.17g", value);
    text_ = buffer;
}

Parameter::Parameter(Instant instant) : text_(format_timestamp(instant)) {}

Parameter::Parameter(Bytes bytes) : text_("\\x") {
    text_->reserve(2 + bytes.value.size() * 2);
    for (const char character : bytes.value) {
        const auto byte = static_cast<unsigned char>(character);
        text_->push_back(kHexDigits[byte >> 4]);
        text_->push_back(kHexDigits[byte & 0x0F]);
    }
}

void Parameter::append_element(const Parameter& element) {
    if (text_->size() > 1) {
        text_->push_back(',');
    }
    if (!element.text_) {
        text_->append("NULL");
        return;
    }
    // Always quoted: then no element can be read as NULL, as a nested array or as a separator.
    text_->push_back('"');
    for (const char character : *element.text_) {
        if (character == '"' || character == '\\') {
            text_->push_back('\\');
        }
        text_->push_back(character);
    }
    text_->push_back('"');
}

std::string format_timestamp(Instant instant) {
    const auto day = std::chrono::floor<std::chrono::days>(instant);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss<std::chrono::microseconds> time{instant - day};
    char buffer[64];
    std::snprintf(
        buffer, sizeof buffer, "%04d-%02u-%02u %02d:%02d:%02d.%06d+00", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
        static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
        static_cast<int>(time.subseconds().count()));
    return buffer;
}

Instant parse_timestamp(std::string_view text) {
    using namespace std::chrono;
    // 2026-07-01 10:00:00[.ffffff](+|-)hh[:mm]
    if (text.size() < 22 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') {
        refuse_timestamp(text);
    }
    const year_month_day date{
        year{read_digits(text, 0, 4)}, month{static_cast<unsigned>(read_digits(text, 5, 2))},
        day{static_cast<unsigned>(read_digits(text, 8, 2))}};
    if (!date.ok()) {
        refuse_timestamp(text);
    }
    Instant instant{
        sys_days{date} + hours{read_digits(text, 11, 2)} + minutes{read_digits(text, 14, 2)} +
        seconds{read_digits(text, 17, 2)}};
    std::size_t position = 19;
    if (text[position] == '.') {
        int scale = 100'000;
        for (++position; position < text.size() && text[position] >= '0' && text[position] <= '9'; ++position) {
            instant += microseconds{(text[position] - '0') * scale};
            scale /= 10;
        }
    }
    if (position >= text.size() || (text[position] != '+' && text[position] != '-')) {
        refuse_timestamp(text);
    }
    minutes offset = hours{read_digits(text, position + 1, 2)};
    if (text.size() > position + 3) {
        offset += minutes{read_digits(text, position + 4, 2)};
    }
    return text[position] == '+' ? instant - offset : instant + offset;
}

}  // namespace ordersaga::db
