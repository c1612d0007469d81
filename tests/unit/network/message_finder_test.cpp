#include "tests/support/network/message_finder.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::network {
namespace {

std::string big_endian(std::uint32_t value, int bytes) {
    std::string text;
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        text.push_back(static_cast<char>(value >> shift & 0xff));
    return text;
}

std::string postgres(char type, const std::string& content) {
    return type + big_endian(static_cast<std::uint32_t>(content.size() + 4), 4) + content;
}

std::string start_up(std::uint32_t code, const std::string& content = {}) {
    return big_endian(static_cast<std::uint32_t>(content.size() + 8), 4) + big_endian(code, 4) + content;
}

std::string amqp_method(std::uint16_t class_id, std::uint16_t method, const std::string& arguments = {}) {
    const std::string payload = big_endian(class_id, 2) + big_endian(method, 2) + arguments;
    return '\x01' + big_endian(1, 2) + big_endian(static_cast<std::uint32_t>(payload.size()), 4) + payload + '\xce';
}

// "name@end" of each, by the number of bytes since the beginning, fed in slices of that size.
std::vector<std::string> found(Protocol protocol, Direction direction, const std::string& bytes, std::size_t slice) {
    const auto finder = make_finder(protocol, direction);
    std::vector<std::string> names;
    for (std::size_t at = 0; at < bytes.size(); at += slice) {
        const std::string part = bytes.substr(at, slice);
        for (const FoundMessage& message : finder->feed(part))
            names.push_back(message.name + "@" + std::to_string(at + message.end));
    }
    return names;
}

struct Said {
    Protocol protocol;
    Direction direction;
    std::string bytes;
    std::vector<std::string> names;
};

std::vector<Said> conversations() {
    constexpr std::uint32_t ssl = 80877103, version_3 = 196608;
    const std::string asked =
        start_up(ssl) + start_up(version_3, "user") + postgres('p', "word") + postgres('Q', std::string("BEGIN\0", 6));
    const std::string commit = postgres('Q', std::string("COMMIT\0", 7));
    const std::string answered = "N" + postgres('R', big_endian(0, 4)) + postgres('S', "x") + postgres('Z', "I");
    const std::string done = postgres('C', std::string("COMMIT\0", 7));
    const std::string greeting("AMQP\0\0\x09\x01", 8);
    const std::string large = postgres('D', std::string(100'000, 'C'));
    const auto at = [](const std::string& name, std::size_t end) {
        return name + "@" + std::to_string(end);
    };
    return {
        {Protocol::postgresql,
         Direction::to_server,
         asked + commit,
         {at("statement", asked.size()), at("COMMIT", asked.size() + commit.size())}},
        {Protocol::postgresql,
         Direction::to_client,
         answered + large + done,
         {at("COMMIT done", answered.size() + large.size() + done.size())}},
        {Protocol::amqp,
         Direction::to_server,
         greeting + amqp_method(10, 11, "login") + amqp_method(60, 40, "key"),
         {at("basic.publish", 8 + 12 + 5 + 12 + 3)}},
        {Protocol::amqp,
         Direction::to_client,
         amqp_method(10, 10) + amqp_method(60, 80, "12345678."),
         {at("basic.ack", 12 + 12 + 9)}},
        {Protocol::http, Direction::to_server, "POST /x HTTP/1.1\r\nHost: a\r\n\r\nbody", {at("request", 18)}},
        {Protocol::http, Direction::to_client, "HTTP/1.1 200 OK\r\n\r\n", {at("answer", 17)}},
    };
}

// The network may slice as it likes.
TEST(MessageFinder, FindsTheSameMessagesHoweverTheirBytesAreSliced) {
    for (const Said& said : conversations()) {
        for (const std::size_t slice : {std::size_t{1}, std::size_t{3}, std::size_t{7}, said.bytes.size()})
            EXPECT_EQ(found(said.protocol, said.direction, said.bytes, slice), said.names) << "slices of " << slice;
    }
}

TEST(MessageFinder, TellsWhereAMessageBegins) {
    const auto finder = make_finder(Protocol::amqp, Direction::to_client);
    const std::string before = amqp_method(10, 10);
    const std::vector<FoundMessage> messages = finder->feed(before + amqp_method(60, 80));

    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].begin, before.size());
}

TEST(MessageFinder, FindsNothingInAProtocolThatItWasNotTold) {
    EXPECT_TRUE(found(Protocol::none, Direction::to_server, "POST / HTTP/1.1\r\n", 4).empty());
}

}  // namespace
}  // namespace ordersaga::network
