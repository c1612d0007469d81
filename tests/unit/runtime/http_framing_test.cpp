// Byte-exact requests over a real socket. What two readers could understand differently gets 400 (or the status named
// here), the connection closes, and no second request is ever taken out of a body.
#include "tests/unit/runtime/loopback.hpp"
#include "tests/unit/runtime/running_server.hpp"

#include <gtest/gtest.h>

namespace ordersaga::runtime {
namespace {

using testing::RawSocket;
using testing::RunningServer;

struct FramingCase {
    std::string name;
    std::string bytes;
    int status;
};

// What a smuggler hides behind the first request.
const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

std::string post(const std::string& fields, const std::string& body) {
    return "POST /in HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
}

std::string get(const std::string& target, const std::string& fields = "Host: x\r\n") {
    return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n";
}

std::string many_fields(int count) {
    std::string fields = "Host: x\r\n";
    for (int i = 1; i < count; ++i)
        fields += "A" + std::to_string(i) + ": b\r\n";
    return fields;
}

// NUL bytes inside literals need their length.
std::string with_nul(const char* before, const char* behind) {
    return std::string(before) + '\0' + behind;
}

std::vector<FramingCase> refused_cases() {
    const std::string chunk = "5\r\nhello\r\n0\r\n\r\n";
    return {
        {"TransferEncodingGzipThenLength", post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello" + smuggled),
         400},
        {"LengthThenTransferEncodingGzip", post("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n", "hello" + smuggled),
         400},
        {"TransferEncodingGzipAlone", post("Transfer-Encoding: gzip\r\n", smuggled), 400},
        {"TransferEncodingXchunked", post("Transfer-Encoding: xchunked\r\n", chunk + smuggled), 400},
        {"TransferEncodingChunkedIdentity", post("Transfer-Encoding: chunked, identity\r\n", chunk + smuggled), 400},
        {"TransferEncodingIdentityChunked", post("Transfer-Encoding: identity, chunked\r\n", chunk + smuggled), 400},
        {"TransferEncodingChunkedTwiceInOne", post("Transfer-Encoding: chunked, chunked\r\n", chunk + smuggled), 400},
        {"TransferEncodingTwice",
         post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunk + smuggled), 400},
        {"TransferEncodingUpperCase", post("Transfer-Encoding: Chunked\r\n", chunk + smuggled), 400},
        {"TransferEncodingEmpty", post("Transfer-Encoding: \r\n", chunk + smuggled), 400},
        {"TransferEncodingWithVerticalTab",
         post(
             "Transfer-Encoding: \x0b"
             "chunked\r\n",
             chunk + smuggled),
         400},
        {"LengthThenChunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunk + smuggled), 400},
        {"ChunkedThenLength", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunk + smuggled), 400},
        {"ChunkedInHttp10", "POST /in HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, 400},
        {"LengthTwiceEqual", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello" + smuggled), 400},
        {"LengthTwiceDifferent", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello" + smuggled), 400},
        {"LengthList", post("Content-Length: 5, 5\r\n", "hello" + smuggled), 400},
        {"LengthWithPlus", post("Content-Length: +5\r\n", "hello"), 400},
        {"LengthNegative", post("Content-Length: -5\r\n", "hello"), 400},
        {"LengthHexadecimal", post("Content-Length: 0x5\r\n", "hello"), 400},
        {"LengthWithBlankInside", post("Content-Length: 1 5\r\n", "hello"), 400},
        {"LengthEmpty", post("Content-Length: \r\n", "hello"), 400},
        {"LengthBeyond64Bits", post("Content-Length: 18446744073709551621\r\n", "hello"), 413},
        {"FoldedField", post("X-Note: a\r\n b\r\nContent-Length: 5\r\n", "hello"), 400},
        {"FoldedTransferEncoding", post("Transfer-Encoding:\r\n chunked\r\n", chunk + smuggled), 400},
        {"FoldedFirstField", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
        {"NoHost", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", 400},
        {"TwoHosts", get("/", "Host: x\r\nHost: x\r\n"), 400},
        {"TwoHostsInOtherCase", get("/", "Host: x\r\nhOST: y\r\n"), 400},
        {"HostEmpty", get("/", "Host: \r\n"), 400},
        {"HostList", get("/", "Host: x, y\r\n"), 400},
        {"TargetWithHighByte", get("/caf\xc3\xa9"), 400},
        {"TargetWithDelete", get("/a\x7f"), 400},
        {"TargetWithTab", get("/a\tb"), 400},
        {"TargetWithBlank", get("/a b"), 400},
        {"TargetWithEscapedCarriageReturn", get("/a%0Db"), 400},
        {"TargetWithEscapedLineFeed", get("/a?x=%0a"), 400},
        {"TargetWithEscapedNul", get("/a%00b"), 400},
        {"TargetWithBrokenEscape", get("/a%zz"), 400},
        {"TargetAbsolute", get("http://x/a"), 400},
        {"TargetAsterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"TargetEmpty", "GET  HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"TooManyFields", get("/", many_fields(101)), 400},
        {"HeaderTooLarge", get("/", "Host: x\r\nX: " + std::string(9000, 'a') + "\r\n"), 431},
        {"HeaderTooLargeWithoutEnd", "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(30000, 'a'), 431},
        {"TargetTooLarge", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
        {"ChunkExtension", post("Transfer-Encoding: chunked\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n" + smuggled), 400},
        {"ChunkExtensionOnLastChunk", post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0;a\r\n\r\n" + smuggled),
         400},
        {"ChunkExtensionLarge",
         post("Transfer-Encoding: chunked\r\n", "5;" + std::string(20000, 'a') + "\r\nhello\r\n0\r\n\r\n"), 400},
        {"ChunkSizeNegative", post("Transfer-Encoding: chunked\r\n", "-5\r\nhello\r\n0\r\n\r\n"), 400},
        {"ChunkSizeWithPrefix", post("Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n0\r\n\r\n"), 400},
        {"ChunkSizeOverflow", post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"), 400},
        {"ChunkSizeHuge", post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"), 413},
        {"ChunkDataLongerThanItsSize",
         post("Transfer-Encoding: chunked\r\n", "5\r\nhelloworld\r\n0\r\n\r\n" + smuggled), 400},
        {"ChunkLineFeedOnly", post("Transfer-Encoding: chunked\r\n", "5\nhello\n0\n\n" + smuggled), 400},
        {"BlankBeforeColon", post("Content-Length : 5\r\n", "hello"), 400},
        {"FieldWithoutColon", post("Content-Length 5\r\n", "hello"), 400},
        {"FieldWithoutName", post(": 5\r\n", "hello"), 400},
        {"NulInValue", with_nul("GET / HTTP/1.1\r\nHost: x\r\nX: a", "b\r\n\r\n"), 400},
        {"NulInName", with_nul("GET / HTTP/1.1\r\nHost: x\r\nX", "Y: b\r\n\r\n"), 400},
        {"ControlByteInValue",
         get("/",
             "Host: x\r\nX: a\x01"
             "b\r\n"),
         400},
        {"LineFeedOnly", "GET / HTTP/1.1\nHost: x\n\n", 400},
        {"LineFeedOnlyInTheMiddle", "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400},
        {"CarriageReturnOnly", "GET / HTTP/1.1\rHost: x\r\r", 400},
        {"CarriageReturnInValue", "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", 400},
        {"EmptyLineFirst", "\r\n" + get("/"), 400},
        {"Http09", "GET /\r\n", 400},
        {"Http20", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        {"Http12", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 400},
        {"HttpLowerCase", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
        {"MethodLowerCase", "get / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"MethodEndless", std::string(4000, 'G'), 400},
        {"TlsGreeting", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400},
        {"ExpectUnknown", post("Content-Length: 5\r\nExpect: miracles\r\n", "hello"), 417},
        {"LengthRequired", post("", smuggled), 411},
        {"BodyTooLargeDeclared", post("Content-Length: 2000\r\n", "hello"), 413},
        {"BodyTooLargeChunked",
         post("Transfer-Encoding: chunked\r\n", "7D0\r\n" + std::string(2000, 'x') + "\r\n0\r\n\r\n"), 413},
        {"BodyCutShort", post("Content-Length: 10\r\n", "hello"), 400},
        {"HeaderCutShort", "GET / HTTP/1.1\r\nHost: x\r\n", 400},
    };
}

class RefusedFraming : public ::testing::TestWithParam<FramingCase> {};

TEST_P(RefusedFraming, IsAnsweredOnceAndClosed) {
    HttpServerOptions options;
    options.body_limit = 1000;
    options.body_length_required_for_post = true;
    RunningServer server(options);
    RawSocket client = RawSocket::connect_to(server.port());

    client.send(GetParam().bytes);
    client.half_close();
    const std::string answer = client.read_to_end();

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(GetParam().status) + " ")) << answer;
    EXPECT_EQ(answer.find("HTTP/1.1 ", 1), std::string::npos) << "a second answer: " << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    EXPECT_TRUE(client.peer_closed());
    EXPECT_EQ(server.requests().size(), 0U);
}

// The same bytes one by one: a judgement must not depend on how the network cuts them.
TEST_P(RefusedFraming, IsRefusedAlsoWhenSlicedIntoBytes) {
    if (GetParam().bytes.size() > 1500) return;
    HttpServerOptions options;
    options.body_limit = 1000;
    options.body_length_required_for_post = true;
    RunningServer server(options);
    RawSocket client = RawSocket::connect_to(server.port());

    for (const char c : GetParam().bytes) {
        if (!client.send(std::string(1, c))) break;
    }
    client.half_close();
    const std::string answer = client.read_to_end();

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(GetParam().status) + " ")) << answer;
    EXPECT_TRUE(client.peer_closed());
    EXPECT_EQ(server.requests().size(), 0U);
}

std::string name_of_case(const ::testing::TestParamInfo<FramingCase>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Corpus, RefusedFraming, ::testing::ValuesIn(refused_cases()), name_of_case);

struct AcceptedCase {
    std::string name;
    std::string bytes;
    std::string answer;  // the body of the answer
};

class AcceptedFraming : public ::testing::TestWithParam<AcceptedCase> {};

TEST_P(AcceptedFraming, IsUnderstood) {
    RunningServer server;
    RawSocket client = RawSocket::connect_to(server.port());

    client.send(GetParam().bytes);
    client.half_close();
    const std::string answer = client.read_to_end();

    EXPECT_NE(answer.find("HTTP/1.1 200 OK\r\n"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n" + GetParam().answer)) << answer;
    EXPECT_EQ(server.requests().size(), 1U);
}

std::string name_of_accepted(const ::testing::TestParamInfo<AcceptedCase>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Corpus,
    AcceptedFraming,
    ::testing::Values(
        AcceptedCase{"Get", get("/a%20b?x=1"), "GET /a b 0"},
        AcceptedCase{"PostWithLength", post("Content-Length: 5\r\n", "hello"), "POST /in 5"},
        AcceptedCase{"PostWithLengthZero", post("Content-Length: 0\r\n", ""), "POST /in 0"},
        AcceptedCase{"PostWithoutLengthWhereAllowed", post("", ""), "POST /in 0"},
        AcceptedCase{
            "PostChunked", post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
            "POST /in 11"},
        AcceptedCase{
            "PostChunkedWithTrailer", post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
            "POST /in 5"},
        AcceptedCase{"ExpectContinue", post("Content-Length: 5\r\nExpect: 100-continue\r\n", "hello"), "POST /in 5"},
        AcceptedCase{"HundredFields", get("/", many_fields(100)), "GET / 0"},
        AcceptedCase{"Http10", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", "GET / 0"},
        AcceptedCase{"HostWithPort", get("/", "Host: [::1]:8080\r\n"), "GET / 0"}),
    name_of_accepted);

}  // namespace
}  // namespace ordersaga::runtime
