// Byte-exact requests over a real socket. What two readers could understand differently gets 400 (or the status named
// here), the connection closes, and no second request is ever taken out of a body.
#include "runtime/random.hpp"
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

// Damage to any of these: however the bytes arrive, the same is understood, and what is not understood is the end.
TEST(MutatedFraming, IsJudgedAlikeHoweverTheNetworkCutsIt) {
    constexpr int mutations = 400;
    HttpServerOptions options;
    options.body_limit = 1000;
    options.body_length_required_for_post = true;
    RunningServer server(options);
    const auto answer_to = [&](const std::string& bytes, std::size_t first_cut) {
        RawSocket client = RawSocket::connect_to(server.port());
        client.send(bytes.substr(0, first_cut));
        client.send(bytes.substr(first_cut));
        client.half_close();
        std::string answer = client.read_to_end();
        EXPECT_TRUE(client.peer_closed());
        return answer;
    };
    // Dates differ; what was answered, and how often, may not.
    const auto statuses_of = [](const std::string& answer) {
        std::vector<std::string> statuses;
        for (std::size_t at = answer.find("HTTP/1.1 "); at != std::string::npos; at = answer.find("HTTP/1.1 ", at + 1))
            statuses.push_back(answer.substr(at + 9, 3));
        return statuses;
    };
    const std::vector<FramingCase> corpus = refused_cases();
    SeededRandom random(57);
    for (int mutation = 0; mutation < mutations; ++mutation) {
        std::string bytes = corpus[random.below(corpus.size())].bytes;
        if (bytes.size() > 1500) continue;
        for (std::uint64_t change = 0, changes = 1 + random.below(3); change < changes; ++change) {
            const std::size_t at = random.below(bytes.size());
            constexpr std::string_view alphabet(" \t\r\n\0:,;0159aFxchunked", 22);
            switch (random.below(3)) {
                case 0: bytes[at] = alphabet[random.below(alphabet.size())]; break;
                case 1: bytes.erase(at, 1 + random.below(4)); break;
                default: bytes.insert(at, 1, alphabet[random.below(alphabet.size())]); break;
            }
            if (bytes.empty()) bytes = "x";
        }

        const std::vector<std::string> whole = statuses_of(answer_to(bytes, bytes.size()));
        const std::vector<std::string> cut = statuses_of(answer_to(bytes, random.below(bytes.size())));

        EXPECT_EQ(whole, cut) << "mutation " << mutation << ":\n" << bytes;
        for (std::size_t i = 0; i + 1 < whole.size(); ++i)
            EXPECT_EQ(whole[i], "200") << "something was served behind a refusal, mutation " << mutation << ":\n"
                                       << bytes;
    }
}

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
