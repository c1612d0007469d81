// The client against a peer that follows a script byte by byte: each way a call can end has its outcome.
#include "runtime/http_client.hpp"

#include "tests/unit/runtime/loopback.hpp"
#include "tests/unit/runtime/running_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>

// The resolver of this program: an enemy's name server leads one name to where clouds tell a machine its credentials.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
    using Resolver = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto resolver = reinterpret_cast<Resolver>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    const bool is_led_astray = name != nullptr && std::string_view(name) == "rebound.example";
    return resolver(is_led_astray ? "169.254.169.254" : name, service, hints, found);
}

namespace ordersaga::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::closed_port;
using testing::RawSocket;
using testing::RunningServer;
using testing::ScriptedPeer;
using Kind = HttpOutcome::Kind;

std::string answer_with(const std::string& body, const std::string& fields = "") {
    return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HttpClientTest : public ::testing::Test {
protected:
    HttpOutcome send(HttpCall call) {
        auto future = asio::co_spawn(context_, client_->send(std::move(call)), asio::use_future);
        context_.restart();
        context_.run();
        return future.get();
    }

    HttpOutcome post(const std::string& url) {
        HttpCall call;
        call.method = "POST";
        call.url = url;
        call.body = "{}";
        call.headers = {{"Content-Type", "application/json"}};
        call.total_timeout = 2s;
        return send(std::move(call));
    }

    HttpOutcome get(const std::string& url) {
        HttpCall call;
        call.url = url;
        call.total_timeout = 2s;
        return send(std::move(call));
    }

    void use(HttpClientOptions options) {
        client_ = std::make_unique<HttpClient>(context_.get_executor(), std::move(options));
    }

    asio::io_context context_;
    std::unique_ptr<HttpClient> client_ = std::make_unique<HttpClient>(context_.get_executor());
};

TEST_F(HttpClientTest, SendsTheRequestAndReadsTheAnswer) {
    std::string seen;
    ScriptedPeer peer({[&](RawSocket& socket) {
        seen = socket.read_request();
        socket.send(answer_with("created", "X-Remaining: 7\r\n"));
    }});

    const HttpOutcome outcome = post(peer.url("/2026-01/order?x=1"));

    ASSERT_EQ(outcome.kind, Kind::response) << outcome.error;
    EXPECT_EQ(outcome.status, 200);
    EXPECT_EQ(outcome.body, "created");
    EXPECT_EQ(*outcome.header("x-remaining"), "7");
    EXPECT_TRUE(seen.starts_with("POST /2026-01/order?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")) << seen;
    EXPECT_NE(seen.find("Content-Type: application/json\r\n"), std::string::npos);
    EXPECT_TRUE(seen.ends_with("Content-Length: 2\r\n\r\n{}"));
}

TEST_F(HttpClientTest, ReadsChunksInterimAnswersAndBodiesUntilClose) {
    ScriptedPeer peer(
        {[](RawSocket& socket) {
             socket.read_request();
             socket.send(
                 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
             socket.close();
         },
         [](RawSocket& socket) {
             socket.read_request();
             socket.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
         }});

    EXPECT_EQ(post(peer.url()).body, "abc");
    EXPECT_EQ(post(peer.url()).body, "until the end");
}

TEST_F(HttpClientTest, ARefusedConnectionIsNotSent) {
    const HttpOutcome outcome = post("http://127.0.0.1:" + std::to_string(closed_port()) + "/");

    EXPECT_EQ(outcome.kind, Kind::not_sent);
    EXPECT_NE(outcome.error.find("cannot connect"), std::string::npos) << outcome.error;
}

TEST_F(HttpClientTest, AnUnknownNameIsNotSent) {
    const HttpOutcome outcome = post("https://no-such-host.invalid/");

    EXPECT_EQ(outcome.kind, Kind::not_sent);
    EXPECT_NE(outcome.error.find("no-such-host.invalid"), std::string::npos) << outcome.error;
}

TEST_F(HttpClientTest, PlainHttpLeavesTheLoopbackNever) {
    for (const char* url : {"http://192.0.2.1/", "http://10.0.0.1:8080/", "http://[2001:db8::1]/"}) {
        const HttpOutcome outcome = post(url);
        EXPECT_EQ(outcome.kind, Kind::not_sent);
        EXPECT_NE(outcome.error.find("plain http is allowed to loopback addresses only"), std::string::npos)
            << outcome.error;
    }
}

TEST_F(HttpClientTest, AnAddressThatNoPeerHasIsNotCalled) {
    for (const char* url :
         {"https://169.254.169.254/", "http://169.254.169.254/", "https://[fe80::1]/", "https://0.0.0.0/",
          "https://2852039166/", "https://[::ffff:a9fe:a9fe]/"}) {
        const HttpOutcome outcome = post(url);
        EXPECT_EQ(outcome.kind, Kind::not_sent);
        EXPECT_NE(outcome.error.find("no peer has"), std::string::npos) << outcome.error;
    }
}

// What counts is where the bytes would go, whatever the name was when somebody looked at it last.
TEST_F(HttpClientTest, ANameThatLeadsWhereNoPeerIsIsNotCalled) {
    const HttpOutcome outcome = post("https://rebound.example/");

    EXPECT_EQ(outcome.kind, Kind::not_sent);
    EXPECT_EQ(outcome.error, "the name rebound.example leads to 169.254.169.254, an address that no peer has");
}

TEST_F(HttpClientTest, MalformedCallsAreNotSent) {
    ScriptedPeer peer({[](RawSocket& socket) {
        socket.read_to_end(1s);
    }});
    HttpCall split;
    split.url = peer.url();
    split.headers = {{"X-Note", "a\r\nX-Evil: 1"}};
    HttpCall own;
    own.url = peer.url();
    own.headers = {{"content-length", "5"}};
    HttpCall method;
    method.url = peer.url();
    method.method = "GET /x HTTP/1.1\r\nX:";

    EXPECT_EQ(send(split).kind, Kind::not_sent);
    EXPECT_EQ(send(own).kind, Kind::not_sent);
    EXPECT_EQ(send(method).kind, Kind::not_sent);
    EXPECT_EQ(post("ftp://127.0.0.1/").kind, Kind::not_sent);
}

TEST_F(HttpClientTest, BeforeTheFirstByteTheCallerMaySayNo) {
    std::atomic<bool> closed_without_a_byte{false};
    ScriptedPeer peer({[&](RawSocket& socket) {
        closed_without_a_byte = socket.read_to_end().empty();
    }});
    HttpCall call;
    call.method = "POST";
    call.url = peer.url();
    int asked = 0;
    call.before_first_byte = [&] {
        ++asked;
        return false;
    };

    const HttpOutcome outcome = send(std::move(call));
    client_->close_idle();
    context_.restart();
    context_.run();

    EXPECT_EQ(outcome.kind, Kind::not_sent);
    EXPECT_EQ(asked, 1);
    EXPECT_TRUE(testing::eventually([&] { return closed_without_a_byte.load(); }));
}

TEST_F(HttpClientTest, ALostConnectionAfterTheRequestIsUnknown) {
    ScriptedPeer peer({[](RawSocket& socket) {
        socket.read_request();
    }});

    EXPECT_EQ(post(peer.url()).kind, Kind::unknown);
    EXPECT_EQ(peer.connections(), 1);
}

TEST_F(HttpClientTest, AResetAfterTheRequestIsUnknown) {
    ScriptedPeer peer({[](RawSocket& socket) {
        socket.read_request();
        socket.reset();
    }});

    EXPECT_EQ(post(peer.url()).kind, Kind::unknown);
}

TEST_F(HttpClientTest, NoAnswerInTimeIsUnknown) {
    ScriptedPeer peer({[](RawSocket& socket) {
        socket.read_to_end(10s);
    }});
    HttpCall call;
    call.method = "POST";
    call.url = peer.url();
    call.total_timeout = 100ms;

    const HttpOutcome outcome = send(std::move(call));

    EXPECT_EQ(outcome.kind, Kind::unknown);
    EXPECT_EQ(outcome.error, "no complete answer in time");
}

// Bytes that drip must not extend the time of the whole call.
TEST_F(HttpClientTest, ADrippingAnswerEndsAtTheTotalTime) {
    ScriptedPeer peer({[](RawSocket& socket) {
        socket.read_request();
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while (socket.send("x"))
            socket.read_to_end(10ms);
    }});
    HttpCall call;
    call.method = "POST";
    call.url = peer.url();
    call.total_timeout = 200ms;
    const auto began = std::chrono::steady_clock::now();

    EXPECT_EQ(send(std::move(call)).kind, Kind::unknown);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
}

TEST_F(HttpClientTest, GarbageIsUnknown) {
    const std::string answers[] = {
        "nonsense\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Le",
        std::string("\x15\x03\x03\x00\x02\x02\x50", 7),
    };
    for (const std::string& answer : answers) {
        ScriptedPeer peer({[&](RawSocket& socket) {
            socket.read_request();
            socket.send(answer);
        }});
        EXPECT_EQ(post(peer.url()).kind, Kind::unknown) << answer;
    }
}

TEST_F(HttpClientTest, OversizedAnswersAreUnknown) {
    HttpClientOptions options;
    options.response_body_limit = 1000;
    options.response_header_limit = 1000;
    use(options);
    const std::string answers[] = {
        answer_with(std::string(1001, 'x')),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7D0\r\n" + std::string(2000, 'x') + "\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x') + "\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'),
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(2000, 'x'),
    };
    for (const std::string& answer : answers) {
        ScriptedPeer peer({[&](RawSocket& socket) {
            socket.read_request();
            socket.send(answer);
            socket.read_to_end(1s);
        }});
        EXPECT_EQ(post(peer.url()).kind, Kind::unknown) << answer.substr(0, 60);
    }
}

TEST_F(HttpClientTest, AStormOfInterimAnswersEnds) {
    ScriptedPeer peer({[](RawSocket& socket) {
        socket.read_request();
        for (int i = 0; i < 1000; ++i)
            socket.send("HTTP/1.1 100 Continue\r\n\r\n");
        socket.read_to_end(1s);
    }});

    EXPECT_EQ(post(peer.url()).kind, Kind::unknown);
}

TEST_F(HttpClientTest, FollowsNoRedirect) {
    ScriptedPeer peer({[](RawSocket& socket) {
        socket.read_request();
        socket.send("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n");
    }});

    const HttpOutcome outcome = get(peer.url());

    EXPECT_EQ(outcome.kind, Kind::response);
    EXPECT_EQ(outcome.status, 302);
}

TEST_F(HttpClientTest, KeepsAConnectionForTheNextCall) {
    ScriptedPeer peer({[](RawSocket& socket) {
        while (!socket.read_request().empty())
            socket.send(answer_with("again"));
    }});

    EXPECT_EQ(post(peer.url()).body, "again");
    EXPECT_EQ(client_->idle_connections(), 1U);
    EXPECT_EQ(post(peer.url()).body, "again");
    EXPECT_EQ(get(peer.url()).body, "again");
    EXPECT_EQ(peer.connections(), 1);
    client_->close_idle();
    context_.restart();
    context_.run();
}

TEST_F(HttpClientTest, AKeptConnectionThatThePeerClosedIsNotUsed) {
    ScriptedPeer peer({[](RawSocket& socket) {
        socket.read_request();
        socket.send(answer_with("one each"));
    }});

    EXPECT_EQ(post(peer.url()).body, "one each");
    ASSERT_EQ(client_->idle_connections(), 1U);
    // The peer's thread closes right after its answer; the second connection is only accepted behind that.
    RawSocket::connect_to(peer.port()).send("GET / HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(testing::eventually([&] { return peer.connections() == 2; }));

    EXPECT_EQ(post(peer.url()).kind, Kind::response);
}

// The peer closes the kept connection just when the next request arrives: for an effect that is unknown, for a read it is
// worth one more try.
TEST_F(HttpClientTest, AKeptConnectionThatDiesIsUnknownForPostAndRepeatedForGet) {
    const auto answer_once_then_die = [](RawSocket& socket) {
        socket.read_request();
        socket.send(answer_with("first"));
        socket.read_request();
    };
    const auto answer = [](RawSocket& socket) {
        socket.read_request();
        socket.send(answer_with("fresh", "Connection: close\r\n"));
    };
    ScriptedPeer for_post({answer_once_then_die, answer});
    ScriptedPeer for_get({answer_once_then_die, answer});

    EXPECT_EQ(post(for_post.url()).body, "first");
    EXPECT_EQ(post(for_post.url()).kind, Kind::unknown);
    EXPECT_EQ(for_post.connections(), 1);

    EXPECT_EQ(get(for_get.url()).body, "first");
    EXPECT_EQ(get(for_get.url()).body, "fresh");
    EXPECT_EQ(for_get.connections(), 2);
}

TEST_F(HttpClientTest, AnIdleConnectionExpires) {
    HttpClientOptions options;
    options.idle_expiry = 0ms;
    use(options);
    ScriptedPeer peer({[](RawSocket& socket) {
        socket.read_request();
        socket.send(answer_with("x"));
        socket.read_to_end();
    }});

    EXPECT_EQ(post(peer.url()).body, "x");
    EXPECT_EQ(post(peer.url()).body, "x");
    EXPECT_EQ(peer.connections(), 2);
    client_->close_idle();
    context_.restart();
    context_.run();
}

TEST_F(HttpClientTest, AGreetingThatIsNoTlsIsNotSent) {
    std::string seen;
    auto peer = std::make_unique<ScriptedPeer>(std::vector<ScriptedPeer::Script>{[&](RawSocket& socket) {
        seen = socket.read_until("\r\n\r\n", 200ms);
        socket.send(answer_with("plain"));
    }});
    HttpCall call;
    call.method = "POST";
    call.url = "https://127.0.0.1:" + std::to_string(peer->port()) + "/";
    call.headers = {{"X-Token", "canary"}};

    const HttpOutcome outcome = send(std::move(call));
    peer.reset();  // its thread has finished writing `seen`

    EXPECT_EQ(outcome.kind, Kind::not_sent);
    EXPECT_NE(outcome.error.find("TLS with"), std::string::npos) << outcome.error;
    EXPECT_EQ(seen.find("canary"), std::string::npos);
}

TEST_F(HttpClientTest, TalksToOurOwnServer) {
    RunningServer server;

    const HttpOutcome outcome = post("http://localhost:" + std::to_string(server.port()) + "/hello");

    EXPECT_EQ(outcome.body, "POST /hello 2") << outcome.error;
    client_->close_idle();
    context_.restart();
    context_.run();
}

// ---- TLS against a certificate made for the test -------------------------------------------------------------------

struct Certificate {
    EVP_PKEY* key = nullptr;
    X509* certificate = nullptr;
    std::string file;

    // Signed by itself; valid from and until so many seconds after now.
    Certificate(const char* alternative_name, long valid_from, long valid_until) {
        key = EVP_EC_gen("P-256");
        certificate = X509_new();
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), valid_from);
        X509_gmtime_adj(X509_getm_notAfter(certificate), valid_until);
        X509_set_pubkey(certificate, key);
        X509_NAME* name = X509_get_subject_name(certificate);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
        X509_set_issuer_name(certificate, name);
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative_name);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
        X509_sign(certificate, key, EVP_sha256());
        file = (std::filesystem::temp_directory_path() / ("ordersaga-ca-" + std::to_string(::getpid()))).string();
        std::FILE* stream = std::fopen(file.c_str(), "w");
        PEM_write_X509(stream, certificate);
        std::fclose(stream);
    }
    ~Certificate() {
        X509_free(certificate);
        EVP_PKEY_free(key);
        std::filesystem::remove(file);
    }
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
};

// Serves one request over TLS on a socket of the scripted peer; empty when the greeting failed.
std::string serve_tls(RawSocket& socket, const Certificate& certificate, int highest_version) {
    std::signal(SIGPIPE, SIG_IGN);  // the library writes without MSG_NOSIGNAL
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, highest_version);
    SSL_CTX_use_certificate(context, certificate.certificate);
    SSL_CTX_use_PrivateKey(context, certificate.key);
    SSL* session = SSL_new(context);
    SSL_set_fd(session, socket.descriptor());
    std::string seen;
    if (SSL_accept(session) == 1) {
        char buffer[4096];
        const int count = SSL_read(session, buffer, sizeof buffer);
        if (count > 0) seen.assign(buffer, static_cast<std::size_t>(count));
        const std::string answer = answer_with("secured", "Connection: close\r\n");
        SSL_write(session, answer.data(), static_cast<int>(answer.size()));
        SSL_shutdown(session);
    }
    SSL_free(session);
    SSL_CTX_free(context);
    return seen;
}

// What is not named is in order.
struct TlsCase {
    std::string name;
    Kind expected = Kind::not_sent;
    std::string host = "127.0.0.1";  // as it is called
    const char* alternative_name = "IP:127.0.0.1";
    bool trusted = true;  // by being its own authority
    int highest_version = TLS1_3_VERSION;
    long valid_from = -60;
    long valid_until = 3600;
};

class HttpClientTls : public HttpClientTest, public ::testing::WithParamInterface<TlsCase> {};

TEST_P(HttpClientTls, TrustsOnlyAVerifiedPeer) {
    const Certificate certificate(GetParam().alternative_name, GetParam().valid_from, GetParam().valid_until);
    std::string seen;
    auto peer = std::make_unique<ScriptedPeer>(std::vector<ScriptedPeer::Script>{[&](RawSocket& socket) {
        seen = serve_tls(socket, certificate, GetParam().highest_version);
    }});
    HttpClientOptions options;
    if (GetParam().trusted) options.ca_file = certificate.file;
    use(options);
    HttpCall call;
    call.method = "POST";
    call.url = "https://" + GetParam().host + ":" + std::to_string(peer->port()) + "/order";
    call.body = "{}";

    const HttpOutcome outcome = send(std::move(call));
    peer.reset();  // its thread has finished writing `seen`

    EXPECT_EQ(outcome.kind, GetParam().expected) << outcome.error;
    if (GetParam().expected == Kind::response) {
        EXPECT_EQ(outcome.body, "secured");
        EXPECT_TRUE(seen.starts_with("POST /order HTTP/1.1\r\n")) << seen;
    } else {
        EXPECT_EQ(seen, "");
        EXPECT_NE(outcome.error.find("TLS with https://" + GetParam().host + ":"), std::string::npos) << outcome.error;
    }
}

std::string name_of_tls_case(const ::testing::TestParamInfo<TlsCase>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Peers,
    HttpClientTls,
    ::testing::Values(
        TlsCase{.name = "RightAddressTls13", .expected = Kind::response},
        TlsCase{.name = "RightAddressTls12", .expected = Kind::response, .highest_version = TLS1_2_VERSION},
        TlsCase{
            .name = "RightHost",
            .expected = Kind::response,
            .host = "localhost",
            .alternative_name = "DNS:localhost"},
        TlsCase{.name = "Tls11Only", .highest_version = TLS1_1_VERSION},
        TlsCase{.name = "WrongHost", .host = "localhost", .alternative_name = "DNS:other.example"},
        TlsCase{.name = "WrongAddress", .alternative_name = "IP:127.0.0.2"},
        TlsCase{.name = "AddressOfANamedHost", .alternative_name = "DNS:localhost"},
        TlsCase{.name = "SelfSigned", .trusted = false},
        TlsCase{.name = "Expired", .valid_from = -7200, .valid_until = -3600},
        TlsCase{.name = "NotYetValid", .valid_from = 3600, .valid_until = 7200}),
    name_of_tls_case);

TEST(HttpClientSetUp, RefusesAMissingCertificateFile) {
    asio::io_context context;
    HttpClientOptions options;
    options.ca_file = "/no/such/file";

    EXPECT_THROW(HttpClient(context.get_executor(), options), std::runtime_error);
}

}  // namespace
}  // namespace ordersaga::runtime
