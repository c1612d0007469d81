#include "notifier/mail_message.hpp"

#include "runtime/crypto.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace ordersaga::notifier {

namespace {

constexpr std::size_t plain_limit = 60;  // with the header's name below 78
constexpr std::size_t word_limit = 42;   // bytes in one encoded word: 56 of base64 and 12 around them
constexpr std::size_t base64_line = 57;  // bytes that make a line of 76
constexpr std::size_t subject_limit = 1000;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool begins_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

bool is_plain(std::string_view text) {
    return text.size() <= plain_limit && text.find("=?") == std::string_view::npos &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// The end of the longest piece of at most `limit` bytes that cuts no character in two.
std::size_t piece_end(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return text.size();
    std::size_t end = limit;
    while (end > 0 && !begins_character(text[end]))
        --end;
    return end == 0 ? limit : end;
}

std::string without_controls(std::string_view text) {
    std::string clean(text);
    std::replace_if(
        clean.begin(), clean.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return clean;
}

std::string encoded_words(std::string_view rest) {
    std::string words;
    while (!rest.empty()) {
        const std::size_t end = piece_end(rest, word_limit);
        if (!words.empty()) words += "\r\n ";
        words += "=?UTF-8?B?" + runtime::base64_encode(rest.substr(0, end)) + "?=";
        rest.remove_prefix(end);
    }
    return words;
}

// Before an address commas, brackets and the like have a meaning of their own.
std::string name_before_address(std::string_view name) {
    const bool words_only = is_plain(name) && std::all_of(name.begin(), name.end(), [](char c) {
                                return is_letter_or_digit(c) || c == ' ' || c == '-';
                            });
    return words_only ? std::string(name) : encoded_words(without_controls(name));
}

std::string date_text(runtime::Instant instant) {
    static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(instant);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(instant - day)};
    std::array<char, 64> buffer{};
    std::snprintf(
        buffer.data(), buffer.size(), "%s, %02u %s %04d %02d:%02d:%02d +0000",
        days[std::chrono::weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
        months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
        static_cast<int>(time.seconds().count()));
    return buffer.data();
}

std::string base64_lines(std::string_view text) {
    std::string lines;
    for (; !text.empty(); text.remove_prefix(std::min(base64_line, text.size())))
        lines += runtime::base64_encode(text.substr(0, base64_line)) + "\r\n";
    return lines;
}

// Mail wants CR LF inside of text, too.
std::string with_mail_line_ends(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == '\r') continue;
        if (c == '\n') result += '\r';
        result += c;
    }
    return result;
}

}  // namespace

std::string header_text(std::string_view utf8) {
    const std::string clean = without_controls(utf8);
    return is_plain(clean) ? clean : encoded_words(clean);
}

std::string compose(const MailMessage& message) {
    const std::string_view subject(message.subject);
    const std::string name = message.from_name.empty() ? std::string() : name_before_address(message.from_name) + " ";
    return "From: " + name + "<" + message.from_address + ">\r\n" +                                    //
           "To: <" + message.to + ">\r\n" +                                                            //
           "Subject: " + header_text(subject.substr(0, piece_end(subject, subject_limit))) + "\r\n" +  //
           "Date: " + date_text(message.date) + "\r\n" +                                               //
           "Message-ID: <" + message.message_id + ">\r\n" +                                            //
           "Auto-Submitted: auto-generated\r\n"
           "MIME-Version: 1.0\r\n"
           "Content-Type: text/plain; charset=utf-8\r\n"
           "Content-Transfer-Encoding: base64\r\n"
           "\r\n" +
           base64_lines(with_mail_line_ends(message.text));
}

bool is_mail_address(std::string_view text) {
    const std::size_t at = text.find('@');
    if (at == 0 || at == std::string_view::npos || at + 1 == text.size() || text.size() > 254) return false;
    constexpr std::string_view also_before = "!#$%&'*+-/=?^_`{|}~.";
    const std::string_view local = text.substr(0, at);
    const std::string_view domain = text.substr(at + 1);
    return std::all_of(
               local.begin(), local.end(),
               [&](char c) { return is_letter_or_digit(c) || also_before.find(c) != std::string_view::npos; }) &&
           std::all_of(
               domain.begin(), domain.end(), [&](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; });
}

}  // namespace ordersaga::notifier
