#include "runtime/sealing.hpp"

#include "runtime/crypto.hpp"

#include <gtest/gtest.h>

namespace ordersaga::runtime {
namespace {

const std::string first_line = "a1:" + base64_encode(std::string(32, 'k'));
const std::string second_line = "b2:" + base64_encode(std::string(32, 'm'));

TEST(KeyRing, OpensWhatItSealed) {
    const KeyRing ring = KeyRing::parse(first_line + "\n").value();
    for (const std::string& secret : {std::string(), std::string("shpat_1"), std::string(5000, '\0')}) {
        EXPECT_EQ(ring.open(ring.seal(secret, "store:eu"), "store:eu").value(), secret);
    }
    EXPECT_EQ(ring.sealing_key_id(), "a1");
}

TEST(KeyRing, NeverSealsTheSameTwice) {
    const KeyRing ring = KeyRing::parse(first_line).value();
    EXPECT_NE(ring.seal("shpat_1", "x").bytes, ring.seal("shpat_1", "x").bytes);
    EXPECT_EQ(ring.seal("shpat_1", "x").bytes.find("shpat_1"), std::string::npos);
}

// A row that was copied to another store must not open there.
TEST(KeyRing, OpensOnlyWhereItWasSealedFor) {
    const KeyRing ring = KeyRing::parse(first_line).value();
    const Result<std::string> opened =
        ring.open(ring.seal("shpat_1", "1/store:eu/access_token"), "1/store:us/access_token");
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().kind, ErrorKind::refused);
}

TEST(KeyRing, RefusesEveryAlteredByte) {
    const KeyRing ring = KeyRing::parse(first_line).value();
    const Sealed sealed = ring.seal("shpat_1", "x");
    for (std::size_t index = 0; index < sealed.bytes.size(); ++index) {
        Sealed altered = sealed;
        altered.bytes[index] = static_cast<char>(altered.bytes[index] ^ 1);
        EXPECT_FALSE(ring.open(altered, "x").ok()) << index;
        EXPECT_FALSE(ring.open({sealed.key_id, sealed.bytes.substr(0, index)}, "x").ok()) << index;
    }
}

TEST(KeyRing, ReplacesKeysOneTextAtATime) {
    const Sealed old = KeyRing::parse(first_line).value().seal("shpat_1", "x");
    const KeyRing both = KeyRing::parse("# the new one first\n" + second_line + "\n\n" + first_line).value();
    EXPECT_EQ(both.open(old, "x").value(), "shpat_1");
    EXPECT_EQ(both.seal("shpat_1", "x").key_id, "b2");
    const Result<std::string> lacking = KeyRing::parse(second_line).value().open(old, "x");
    EXPECT_EQ(lacking.error().kind, ErrorKind::not_found);
    // The same id with another key.
    EXPECT_FALSE(KeyRing::parse("a1:" + base64_encode(std::string(32, 'm'))).value().open(old, "x").ok());
}

TEST(KeyRing, RefusesWhatIsNoRingWithoutRepeatingIt) {
    for (const std::string& text : std::vector<std::string>{
             "", "# nothing\n", "secretsecret", "a1:short", "a b:" + base64_encode(std::string(32, 'k')),
             ":" + base64_encode(std::string(32, 'k')), first_line + "\n" + first_line,
             "a1:" + base64_encode(std::string(16, 'k'))}) {
        const Result<KeyRing> ring = KeyRing::parse(text);
        ASSERT_FALSE(ring.ok()) << text;
        EXPECT_EQ(ring.error().message.find("secretsecret"), std::string::npos);
    }
}

TEST(KeyRing, SealsIntoATextForMessages) {
    const KeyRing ring = KeyRing::parse(first_line).value();
    const std::string sealed = ring.seal_text("a street", "attempt 1");
    EXPECT_EQ(sealed.find("street"), std::string::npos);
    EXPECT_EQ(ring.open_text(sealed, "attempt 1").value(), "a street");
    EXPECT_EQ(ring.open_text(sealed, "attempt 2").error().kind, ErrorKind::refused);
    for (const char* none : {"", "a1", "a1:not base64!", ":"})
        EXPECT_FALSE(ring.open_text(none, "attempt 1").ok()) << none;
}

TEST(KeyRing, MakesKeysThatItReads) {
    const std::string line = new_key_line();
    EXPECT_NE(line, new_key_line());
    EXPECT_TRUE(KeyRing::parse(line).ok());
}

}  // namespace
}  // namespace ordersaga::runtime
