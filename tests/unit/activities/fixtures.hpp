// Recorded answers of real peers, where they are at hand.
#pragma once

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace ordersaga::activities::tests {

inline std::string fixture_folder() {
    const char* folder = std::getenv("ORDERSAGA_FIXTURES");
    return folder != nullptr && std::filesystem::is_directory(folder) ? folder : "";
}

inline nlohmann::json fixture(const std::string& path) {
    std::ifstream file(fixture_folder() + "/" + path);
    EXPECT_TRUE(file) << path;
    return nlohmann::json::parse(file);
}

}  // namespace ordersaga::activities::tests

#define ORDERSAGA_NEEDS_FIXTURES()                                                    \
    if (ordersaga::activities::tests::fixture_folder().empty()) {                     \
        GTEST_SKIP() << "shared fixtures absent: ORDERSAGA_FIXTURES names no folder"; \
    }                                                                                 \
    static_assert(true)
