#include "activities/retry_after.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>

namespace ordersaga::activities {
namespace {

std::optional<std::chrono::milliseconds> from_seconds(const std::string& text) {
    if (text.empty() || text.size() > 20 || text.find_first_not_of("0123456789.") != std::string::npos) {
        return std::nullopt;
    }
    double seconds = 0;
    char rest = 0;
    if (std::sscanf(text.c_str(), "%lf%c", &seconds, &rest) != 1 || !std::isfinite(seconds)) {
        return std::nullopt;
    }
    const double limit = static_cast<double>(longest_wait.count());
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(std::min(seconds * 1000, limit))));
}

// IMF-fixdate only ("Sun, 06 Nov 1994 08:49:37 GMT"), the form that HTTP asks senders to use.
std::optional<std::chrono::milliseconds> from_date(const std::string& text, std::chrono::system_clock::time_point now) {
    static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    unsigned day = 0;
    int year = 0, hour = 0, minute = 0, second = 0;
    std::array<char, 4> month{};
    if (text.size() > 40 || std::sscanf(
                                text.c_str(), "%*3[A-Za-z], %2u %3[A-Za-z] %4d %2d:%2d:%2d GMT", &day, month.data(),
                                &year, &hour, &minute, &second) != 6) {
        return std::nullopt;
    }
    const auto found = std::find(months.begin(), months.end(), std::string(month.data()));
    if (found == months.end() || hour > 23 || minute > 59 || second > 60) {
        return std::nullopt;
    }
    const auto month_number = static_cast<unsigned>(found - months.begin()) + 1;
    const std::chrono::year_month_day date{
        std::chrono::year(year), std::chrono::month(month_number), std::chrono::day(day)};
    if (!date.ok()) {
        return std::nullopt;
    }
    const auto instant = std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                         std::chrono::seconds(second);
    // In seconds: the clock's own nanoseconds end in the year 2262, and a date may be later.
    const std::chrono::milliseconds wait = instant - std::chrono::floor<std::chrono::seconds>(now);
    return std::clamp(wait, std::chrono::milliseconds(0), longest_wait);
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_retry_after(
    std::string_view text,
    std::chrono::system_clock::time_point now) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return std::nullopt;
    }
    const auto last = text.find_last_not_of(" \t");
    const std::string trimmed(text.substr(first, last - first + 1));
    if (const auto seconds = from_seconds(trimmed)) {
        return seconds;
    }
    return from_date(trimmed, now);
}

}  // namespace ordersaga::activities
