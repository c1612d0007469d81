#include "runtime/url.hpp"

#include <gtest/gtest.h>

namespace ordersaga::runtime {
namespace {

TEST(Url, SplitsItsParts) {
    const Url url = *parse_url("https://Api.ShipBob.com/2026-01/order?Page=1");

    EXPECT_TRUE(url.tls);
    EXPECT_EQ(url.host, "api.shipbob.com");
    EXPECT_EQ(url.port, 443);
    EXPECT_EQ(url.target, "/2026-01/order?Page=1");
    EXPECT_EQ(url.origin(), "https://api.shipbob.com");
}

TEST(Url, KeepsAPortAndAnIpv6Host) {
    const Url url = *parse_url("http://[::1]:8080?x");

    EXPECT_FALSE(url.tls);
    EXPECT_EQ(url.host, "::1");
    EXPECT_EQ(url.authority(), "[::1]:8080");
    EXPECT_EQ(url.target, "/?x");
}

TEST(Url, RefusesWhatCouldMeanSomethingElse) {
    for (const char* text :
         {"", "ftp://host/", "//host/", "https://", "https:///path", "https://user:secret@host/", "https://host/#part",
          "https://host:0/", "https://host:65536/", "https://host:/", "https://host:80x/", "https://ho st/",
          "https://[::1", "https://[nonsense]/", "https://host\r\n/", "https://h\xc3\xb6st/", "https://host\\@evil/"}) {
        EXPECT_FALSE(parse_url(text).ok()) << text;
    }
}

TEST(BaseUrl, CutsTheTrailingSlashAndRefusesAQuery) {
    EXPECT_EQ(*parse_base_url("https://host/api/"), "https://host/api");
    EXPECT_EQ(*parse_base_url("http://127.0.0.1:9000"), "http://127.0.0.1:9000");
    EXPECT_FALSE(parse_base_url("https://host/?a=1").ok());
}

TEST(PercentEncoding, RoundTripsEveryByte) {
    std::string all;
    for (int i = 0; i < 256; ++i)
        all += static_cast<char>(i);

    EXPECT_EQ(percent_decode(percent_encode(all)), all);
    EXPECT_EQ(percent_encode("a b/ü"), "a%20b%2F%C3%BC");
    EXPECT_FALSE(percent_decode("%"));
    EXPECT_FALSE(percent_decode("%4"));
    EXPECT_FALSE(percent_decode("%zz"));
}

TEST(Query, KeepsOrderAndEmptyValues) {
    const auto pairs = parse_query("a=1&b=&c&a=x%20y+z");

    ASSERT_TRUE(pairs);
    const std::vector<std::pair<std::string, std::string>> expected{{"a", "1"}, {"b", ""}, {"c", ""}, {"a", "x y z"}};
    EXPECT_EQ(*pairs, expected);
    EXPECT_FALSE(parse_query("a=%"));
}

// Where a cloud tells a machine its credentials, in every spelling, and addresses that lead nowhere or to many.
TEST(Url, RefusesAddressesThatNoPeerHas) {
    for (const char* host :
         {"169.254.169.254",
          "169.254.1.1",
          "0.0.0.0",
          "0.1.2.3",
          "224.0.0.1",
          "255.255.255.255",
          "2852039166",
          "0xa9fea9fe",
          "0xA9.254.169.254",
          "0x",
          "0251.0376.0251.0376",
          "169.254.43518",
          "169.254.169.254.",
          "2130706433",
          "127.1",
          "[::]",
          "[fe80::1]",
          "[ff02::1]",
          "[::ffff:169.254.169.254]",
          "[::ffff:a9fe:a9fe]",
          "[::ffff:0.0.0.0]",
          "[64:ff9b::169.254.169.254]"}) {
        EXPECT_FALSE(parse_url("https://" + std::string(host) + "/").ok()) << host;
    }
    for (const char* host :
         {"127.0.0.1", "10.0.0.5", "192.168.1.7", "169.253.0.1", "169.255.0.1", "[::1]", "[2001:db8::1]",
          "[::ffff:10.0.0.5]", "[64:ff9b::8.8.8.8]", "hooks.example", "0x.example", "1.example", "a1"}) {
        EXPECT_TRUE(parse_url("https://" + std::string(host) + "/").ok()) << host;
    }
}

TEST(Loopback, KnowsItsAddresses) {
    for (const char* host : {"127.0.0.1", "127.9.8.7", "::1", "localhost", "::ffff:127.0.0.1"}) {
        EXPECT_TRUE(is_loopback_host(host)) << host;
    }
    for (const char* host :
         {"", "10.0.0.1", "128.0.0.1", "::", "::ffff:10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example"}) {
        EXPECT_FALSE(is_loopback_host(host)) << host;
    }
}

}  // namespace
}  // namespace ordersaga::runtime
