// Words, as messages list them and constants are compared. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::runtime {

// ASCII letters in lower case; all else as it is.
inline std::string lower(std::string_view text) {
    std::string result(text);
    for (char& letter : result) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return result;
}

// "one, two".
inline std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace ordersaga::runtime
