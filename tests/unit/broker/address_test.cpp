#include "broker/address.hpp"

#include <gtest/gtest.h>

namespace ordersaga::broker {
namespace {

TEST(BrokerAddress, ReadsEveryPartAndDecodesPercents) {
    const auto address = parse_address("amqp://us%40er:p%2Fw%3Ad@127.0.0.1:5673/order%20saga");

    ASSERT_TRUE(address.ok()) << address.error().message;
    EXPECT_EQ(address->user, "us@er");
    EXPECT_EQ(address->password, "p/w:d");
    EXPECT_EQ(address->host, "127.0.0.1");
    EXPECT_EQ(address->port, 5673);
    EXPECT_EQ(address->vhost, "order saga");
    EXPECT_FALSE(address->tls);
    EXPECT_EQ(address->shown(), "127.0.0.1:5673/order saga");
}

TEST(BrokerAddress, FillsInPortAndVhost) {
    const auto plain = parse_address("amqp://u:p@localhost");
    const auto ipv6 = parse_address("amqp://u:p@[::1]:1234/");
    const auto tls = parse_address("amqps://u:p@rabbit.example/x", {.ca_file = "/etc/ca.pem"});

    ASSERT_TRUE(plain.ok());
    EXPECT_EQ(plain->port, 5672);
    EXPECT_EQ(plain->vhost, "/");
    ASSERT_TRUE(ipv6.ok()) << ipv6.error().message;
    EXPECT_EQ(ipv6->host, "::1");
    EXPECT_EQ(ipv6->port, 1234);
    ASSERT_TRUE(tls.ok()) << tls.error().message;
    EXPECT_EQ(tls->port, 5671);
    EXPECT_TRUE(tls->tls);
}

TEST(BrokerAddress, RefusesPlainTextOffLoopbackUnlessAllowed) {
    EXPECT_FALSE(parse_address("amqp://u:p@10.0.0.5/").ok());
    EXPECT_FALSE(parse_address("amqp://u:p@127.0.0.1.example.com/").ok());
    EXPECT_TRUE(parse_address("amqp://u:p@10.0.0.5/", {.allow_plain_off_loopback = true}).ok());
}

TEST(BrokerAddress, RefusesTheLoginThatEverybodyKnowsOffLoopback) {
    EXPECT_FALSE(parse_address("amqps://guest:guest@rabbit.example/", {.ca_file = "ca"}).ok());
    EXPECT_FALSE(parse_address("amqps://guest:changed@rabbit.example/", {.ca_file = "ca"}).ok());
    EXPECT_TRUE(parse_address("amqp://guest:guest@127.0.0.1/").ok());
}

TEST(BrokerAddress, TlsNeedsAuthoritiesAndWholeClientCertificates) {
    EXPECT_FALSE(parse_address("amqps://u:p@host/").ok());
    EXPECT_FALSE(parse_address("amqps://u:p@host/", {.ca_file = "ca", .certificate_file = "c"}).ok());
    EXPECT_TRUE(parse_address("amqps://u:p@host/", {.ca_file = "ca", .certificate_file = "c", .key_file = "k"}).ok());
}

TEST(BrokerAddress, RefusesWhatIsMalformedWithoutTellingThePassword) {
    for (const char* url :
         {"", "http://u:sesame@localhost/", "amqp://localhost", "amqp://u@localhost", "amqp://u:@localhost",
          "amqp://:sesame@localhost", "amqp://u:sesame@", "amqp://u:sesame@localhost:0",
          "amqp://u:sesame@localhost:", "amqp://u:sesame@localhost:65536", "amqp://u:sesame@localhost:12x",
          "amqp://u:sesame@local host", "amqp://u:sesame@localhost/a/b", "amqp://u:sesame@localhost/%zz",
          "amqp://u:sesame@localhost/%0a", "amqp://u:sesame%0@localhost", "amqp://u:sesame@localhost/?heartbeat=5",
          "amqp://u:sesame@[::1", "amqp://u:sesame@[::1]x:5"}) {
        const auto address = parse_address(url);

        ASSERT_FALSE(address.ok()) << url;
        EXPECT_EQ(address.error().message.find("sesame"), std::string::npos) << url;
    }
}

}  // namespace
}  // namespace ordersaga::broker
