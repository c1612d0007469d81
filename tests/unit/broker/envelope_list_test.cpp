#include "broker/envelope_list.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ordersaga::broker {
namespace {

using Bodies = std::vector<std::string_view>;

TEST(EnvelopeList, ComesApartAsItWasPutTogether) {
    const Bodies bodies{R"({"a":"}\n{"})", R"({"b":{}})", R"({"c":[{},{}]})"};
    EXPECT_EQ(split_envelopes(join_envelopes(bodies)).value(), bodies);
}

// What programs of the release before send.
TEST(EnvelopeList, OneIsTheEnvelopeItself) {
    const std::string body = R"({"schema":1,"payload":{}})";
    EXPECT_EQ(join_envelopes({body}), body);
    EXPECT_EQ(split_envelopes(body).value(), Bodies{body});
}

TEST(EnvelopeList, WhiteSpaceInsideOneIsNoSeam) {
    const std::string body = "{\n\"payload\": {\n},\n\"list\": [{\n},\n{\n}]\n}\n";
    EXPECT_EQ(split_envelopes(body).value(), Bodies{body});
}

TEST(EnvelopeList, AnythingElseIsOneLineForTheDecoderToRefuse) {
    for (const std::string body : {"", "\n", "}\n", "[]\n[]"})
        EXPECT_EQ(split_envelopes(body).value(), Bodies{body});
    EXPECT_EQ(split_envelopes("x}\n{").value(), (Bodies{"x}", "{"}));
}

TEST(EnvelopeList, IsBounded) {
    Bodies bodies(envelope_list_limit, "{}");
    EXPECT_EQ(split_envelopes(join_envelopes(bodies)).value().size(), envelope_list_limit);
    bodies.emplace_back("{}");
    const auto refused = split_envelopes(join_envelopes(bodies));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, runtime::ErrorKind::invalid);
}

TEST(EnvelopeList, HasRoomByNumberAndBytes) {
    EXPECT_TRUE(has_room(0, 0, envelope_size_limit)) << "alone it may be as large as any";
    EXPECT_TRUE(has_room(63, 1000, 100));
    EXPECT_FALSE(has_room(64, 1000, 100));
    EXPECT_TRUE(has_room(1, envelope_list_bytes - 11, 10)) << "one byte for the line break";
    EXPECT_FALSE(has_room(1, envelope_list_bytes - 10, 10));
}

}  // namespace
}  // namespace ordersaga::broker
