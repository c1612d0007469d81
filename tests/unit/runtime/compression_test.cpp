#include "runtime/compression.hpp"

#include <gtest/gtest.h>

namespace {

using namespace ordersaga::runtime;

std::string document() {
    std::string text;
    for (int line = 0; line < 100; ++line)
        text += R"({"id":)" + std::to_string(line) + R"(,"title":"Shirt","price":"12.00"},)";
    return text;
}

TEST(Compression, GivesBackWhatItWasGiven) {
    for (const std::string& text : {std::string(), std::string("{}"), document(), std::string(3, '\0')}) {
        const Result<std::string> back = decompressed(compressed(text), text.size());
        ASSERT_TRUE(back.ok());
        EXPECT_EQ(*back, text);
    }
}

TEST(Compression, MakesADocumentSmaller) {
    EXPECT_LT(compressed(document()).size() * 4, document().size());
}

TEST(Compression, RefusesWhatItDidNotMake) {
    EXPECT_FALSE(decompressed("", 100).ok());
    EXPECT_FALSE(decompressed("{\"id\":1}", 100).ok());
    const std::string bytes = compressed(document());
    EXPECT_FALSE(decompressed(bytes.substr(0, bytes.size() / 2), 1 << 20).ok());
    std::string damaged = bytes;
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
    const Result<std::string> back = decompressed(damaged, 1 << 20);
    EXPECT_TRUE(!back.ok() || *back != document());
}

TEST(Compression, RefusesWhatWouldBeTooLong) {
    const std::string bytes = compressed(std::string(1'000'000, 'a'));
    EXPECT_LT(bytes.size(), 1000U);
    EXPECT_FALSE(decompressed(bytes, 999'999).ok());
    EXPECT_TRUE(decompressed(bytes, 1'000'000).ok());
}

}  // namespace
