// Words as the sagas write and compare them. Pure.
#pragma once

#include <string>
#include <vector>

namespace ordersaga::sagas {

// ASCII letters only: stores write their constants in either case.
inline std::string lower(std::string text) {
    for (char& letter : text) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return text;
}

inline std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace ordersaga::sagas
