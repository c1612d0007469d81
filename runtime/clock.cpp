#include "runtime/clock.hpp"

#include <array>
#include <cctype>
#include <cstdio>
#include <limits>

namespace ordersaga::runtime {
namespace {

// Reads exactly `digits` decimal digits at `at` and moves on; -1 when they are not there.
int read_digits(std::string_view text, std::size_t& at, int digits) {
    if (text.size() - at < static_cast<std::size_t>(digits)) return -1;
    int value = 0;
    for (int i = 0; i < digits; ++i) {
        const char c = text[at + static_cast<std::size_t>(i)];
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    at += static_cast<std::size_t>(digits);
    return value;
}

bool read_char(std::string_view text, std::size_t& at, std::string_view allowed) {
    if (at >= text.size() || allowed.find(text[at]) == std::string_view::npos) return false;
    ++at;
    return true;
}

// ".123456789" to microseconds, cut; -1 when there is a dot without digits.
long read_fraction(std::string_view text, std::size_t& at) {
    if (at >= text.size() || text[at] != '.') return 0;
    ++at;
    long micros = 0;
    int digits = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
        if (digits < 6) micros = micros * 10 + (text[at] - '0');
    }
    if (digits == 0) return -1;
    for (; digits < 6; ++digits)
        micros *= 10;
    return micros;
}

// "Z", "+02:00" or "-05:30" to minutes; false when it is none of them.
bool read_offset(std::string_view text, std::size_t& at, int& minutes) {
    if (read_char(text, at, "Zz")) {
        minutes = 0;
        return true;
    }
    const bool negative = at < text.size() && text[at] == '-';
    if (!read_char(text, at, "+-")) return false;
    const int hours = read_digits(text, at, 2);
    if (hours < 0 || hours > 23 || !read_char(text, at, ":")) return false;
    const int rest = read_digits(text, at, 2);
    if (rest < 0 || rest > 59) return false;
    minutes = (negative ? -1 : 1) * (hours * 60 + rest);
    return true;
}

constexpr Instant first_instant = std::chrono::sys_days(std::chrono::year(1) / 1 / 1);
constexpr Instant last_instant = std::chrono::sys_days(std::chrono::year(10000) / 1 / 1) - std::chrono::microseconds(1);

}  // namespace

Instant SystemClock::now() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string format_rfc3339(Instant instant) {
    using namespace std::chrono;
    if (instant < first_instant) instant = first_instant;
    if (instant > last_instant) instant = last_instant;
    const auto day = floor<days>(instant);
    const year_month_day date(day);
    const hh_mm_ss<microseconds> time(instant - day);
    std::array<char, 48> buffer{};
    const int year_number = static_cast<int>(date.year());
    const unsigned month_number = static_cast<unsigned>(date.month());
    const unsigned day_number = static_cast<unsigned>(date.day());
    const int hour_number = static_cast<int>(time.hours().count());
    const int minute_number = static_cast<int>(time.minutes().count());
    const int second_number = static_cast<int>(time.seconds().count());
    const long micros = static_cast<long>(time.subseconds().count());
    int length = std::snprintf(
        buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d", year_number, month_number, day_number,
        hour_number, minute_number, second_number);
    std::string text(buffer.data(), static_cast<std::size_t>(length));
    if (micros != 0) {
        length = std::snprintf(buffer.data(), buffer.size(), ".%06ld", micros);
        text.append(buffer.data(), static_cast<std::size_t>(length));
    }
    text += 'Z';
    return text;
}

Result<Instant> parse_rfc3339(std::string_view text) {
    using namespace std::chrono;
    const Error refused = invalid("not an RFC 3339 time");
    std::size_t at = 0;
    const int year_number = read_digits(text, at, 4);
    if (year_number < 0 || !read_char(text, at, "-")) return refused;
    const int month_number = read_digits(text, at, 2);
    if (month_number < 0 || !read_char(text, at, "-")) return refused;
    const int day_number = read_digits(text, at, 2);
    if (day_number < 0 || !read_char(text, at, "Tt ")) return refused;
    const int hour_number = read_digits(text, at, 2);
    if (hour_number < 0 || hour_number > 23 || !read_char(text, at, ":")) return refused;
    const int minute_number = read_digits(text, at, 2);
    if (minute_number < 0 || minute_number > 59 || !read_char(text, at, ":")) return refused;
    const int second_number = read_digits(text, at, 2);
    if (second_number < 0 || second_number > 60) return refused;
    const long micros = read_fraction(text, at);
    int offset = 0;
    if (micros < 0 || !read_offset(text, at, offset) || at != text.size()) return refused;
    const year_month_day date(
        year(year_number), month(static_cast<unsigned>(month_number)), day(static_cast<unsigned>(day_number)));
    if (!date.ok()) return refused;
    const Instant instant = sys_days(date) + hours(hour_number) + minutes(minute_number) + seconds(second_number) +
                            microseconds(micros) - minutes(offset);
    // No database has a year 0, and no text has a year 10000: an offset may lead to both.
    if (instant < first_instant || instant > last_instant) return refused;
    return instant;
}

std::string format_duration(Duration duration) {
    struct Unit {
        Duration::rep size;
        const char* name;
    };
    constexpr std::array<Unit, 6> units{
        {{86'400'000'000, "d"}, {3'600'000'000, "h"}, {60'000'000, "m"}, {1'000'000, "s"}, {1'000, "ms"}, {1, "us"}}};
    const Duration::rep count = duration.count();
    if (count == 0) return "0s";
    for (const Unit& unit : units) {
        if (count % unit.size == 0) return std::to_string(count / unit.size) + unit.name;
        // "4.5s" reads better than "4500ms"; finer fractions go to the next unit.
        const Duration::rep tenth = unit.size / 10;
        const bool subsecond_unit = unit.size == 1'000'000;
        if (subsecond_unit && count > unit.size && count % tenth == 0) {
            return std::to_string(count / unit.size) + "." + std::to_string(count % unit.size / tenth) + unit.name;
        }
    }
    return std::to_string(count) + "us";
}

Result<Duration> parse_duration(std::string_view text) {
    const Error refused = invalid("not a duration such as 250ms, 4.5s, 15m, 2h or 7d");
    std::size_t at = 0;
    std::int64_t whole = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
        if (at >= 15) return refused;
        whole = whole * 10 + (text[at] - '0');
        ++at;
    }
    if (at == 0) return refused;
    std::int64_t fraction = 0;
    std::int64_t divisor = 1;
    if (at < text.size() && text[at] == '.') {
        const std::size_t dot = at++;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
            if (at - dot > 6) return refused;
            fraction = fraction * 10 + (text[at] - '0');
            divisor *= 10;
        }
        if (divisor == 1) return refused;
    }
    const std::string_view unit = text.substr(at);
    std::int64_t scale = 0;
    if (unit == "us") scale = 1;
    if (unit == "ms") scale = 1'000;
    if (unit == "s") scale = 1'000'000;
    if (unit == "m" || unit == "min") scale = 60'000'000;
    if (unit == "h") scale = 3'600'000'000;
    if (unit == "d") scale = 86'400'000'000;
    if (scale == 0) return refused;
    if (whole > std::numeric_limits<std::int64_t>::max() / scale / 2) return refused;
    return Duration(whole * scale + fraction * scale / divisor);
}

}  // namespace ordersaga::runtime
