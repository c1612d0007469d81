#pragma once

// Puts TLS before the test's broker, with a certificate made for the occasion: no TLS listener has to be configured
// at the broker, and the wrong certificates are as easy to have as the right one.

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace ordersaga::broker {

// A key and a certificate of an authority of our own, and one for the server, as PEM files in a directory.
class TestCertificates {
public:
    /// `names` as in a subjectAltName: "DNS:localhost,IP:127.0.0.1". The server's is good until `valid_for` from now.
    explicit TestCertificates(const std::string& names, std::chrono::seconds valid_for = std::chrono::hours(1));
    ~TestCertificates();
    TestCertificates(const TestCertificates&) = delete;
    TestCertificates& operator=(const TestCertificates&) = delete;

    std::string authority_file() const { return (directory_ / "authority.pem").string(); }
    std::string certificate_file() const { return (directory_ / "server.pem").string(); }
    std::string key_file() const { return (directory_ / "server.key").string(); }

private:
    std::filesystem::path directory_;
};

class TlsFront {
public:
    TlsFront(const TestCertificates& certificates, int target_port);
    ~TlsFront();
    TlsFront(const TlsFront&) = delete;
    TlsFront& operator=(const TlsFront&) = delete;

    int port() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::broker
