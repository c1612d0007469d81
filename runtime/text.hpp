// Text: UTF-8, words as messages list them and constants are compared. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::runtime {

// ASCII letters in lower case; all else as it is.
constexpr char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

inline std::string lower(std::string_view text) {
    std::string result(text);
    for (char& letter : result)
        letter = lower(letter);
    return result;
}

inline bool equal_without_case(std::string_view left, std::string_view right) noexcept {
    return std::equal(
        left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) { return lower(a) == lower(b); });
}

// The length of the well-formed UTF-8 sequence that begins at byte `at` (< size), 0 when none does: 1 to 4, never
// overlong, no surrogates (RFC 3629).
std::size_t utf8_length(std::string_view text, std::size_t at);

bool is_utf8(std::string_view text);

// "one, two".
inline std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace ordersaga::runtime
