#include "tests/integration/broker/tls_front.hpp"

#include "runtime/random.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace ordersaga::broker {
namespace {

template <class T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

void require(bool condition, const char* what) {
    if (!condition) throw std::runtime_error(what);
}

Owned<EVP_PKEY> make_key() {
    Owned<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    require(key != nullptr, "no key");
    return key;
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()), X509_EXTENSION_free);
    require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, "no extension");
}

// Not signed yet. Issued by itself where `issuer` is null.
Owned<X509> make_certificate(EVP_PKEY* key, const char* name, X509* issuer, std::chrono::seconds valid_for) {
    Owned<X509> certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), issuer == nullptr ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), static_cast<long>(valid_for.count()));
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const auto* text = reinterpret_cast<const unsigned char*>(name);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer == nullptr ? certificate.get() : issuer));
    return certificate;
}

void write_pem(const std::filesystem::path& path, const std::function<int(std::FILE*)>& write) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    require(file != nullptr, "cannot write a PEM file");
    const int written = write(file);
    std::fclose(file);
    require(written == 1, "cannot write a PEM file");
}

}  // namespace

TestCertificates::TestCertificates(const std::string& names, std::chrono::seconds valid_for)
    : directory_(std::filesystem::temp_directory_path() / ("ordersaga-tls-" + runtime::random_token(8))) {
    std::filesystem::create_directory(directory_);
    const auto authority_key = make_key();
    const auto authority = make_certificate(authority_key.get(), "test authority", nullptr, std::chrono::hours(1));
    add_extension(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE");
    require(X509_sign(authority.get(), authority_key.get(), EVP_sha256()) > 0, "cannot sign");

    const auto server_key = make_key();
    const auto server = make_certificate(server_key.get(), "test server", authority.get(), valid_for);
    add_extension(server.get(), authority.get(), NID_subject_alt_name, names);
    require(X509_sign(server.get(), authority_key.get(), EVP_sha256()) > 0, "cannot sign");

    write_pem(authority_file(), [&](std::FILE* file) { return PEM_write_X509(file, authority.get()); });
    write_pem(certificate_file(), [&](std::FILE* file) { return PEM_write_X509(file, server.get()); });
    write_pem(key_file(), [&](std::FILE* file) {
        return PEM_write_PrivateKey(file, server_key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
}

TestCertificates::~TestCertificates() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

class TlsFront::Impl {
public:
    Impl(const TestCertificates& certificates, int target_port)
        : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free), target_port_(target_port) {
        require(
            SSL_CTX_use_certificate_file(context_.get(), certificates.certificate_file().c_str(), SSL_FILETYPE_PEM) ==
                    1 &&
                SSL_CTX_use_PrivateKey_file(context_.get(), certificates.key_file().c_str(), SSL_FILETYPE_PEM) == 1,
            "the TLS front cannot use its certificate");
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        require(
            ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(listener_, 8) == 0 &&
                ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0,
            "the TLS front cannot listen");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { accept_all(); });
    }

    ~Impl() {
        stopping_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        {
            const std::lock_guard lock(mutex_);
            for (const int socket : sockets_)
                ::shutdown(socket, SHUT_RDWR);
        }
        for (auto& link : links_)
            link.join();
        for (const int socket : sockets_)
            ::close(socket);
        ::close(listener_);
    }

    int port_ = 0;

private:
    static sockaddr_in loopback(int port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        return address;
    }

    void accept_all() {
        while (!stopping_) {
            const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) continue;
            const int broker = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            {
                const std::lock_guard lock(mutex_);
                sockets_.push_back(client);
                sockets_.push_back(broker);
            }
            links_.emplace_back([this, client, broker] {
                serve(client, broker);
                ::shutdown(client, SHUT_RDWR);
                ::shutdown(broker, SHUT_RDWR);
            });
        }
    }

    void serve(int client, int broker) {
        // The library writes without MSG_NOSIGNAL, and a client that refuses our certificate hangs up.
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
        const Owned<SSL> tls(SSL_new(context_.get()), SSL_free);
        SSL_set_fd(tls.get(), client);
        if (SSL_accept(tls.get()) != 1) return;
        const auto address = loopback(target_port_);
        if (::connect(broker, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
        std::array<char, 16384> buffer;
        for (;;) {
            pollfd descriptors[2] = {{client, POLLIN, 0}, {broker, POLLIN, 0}};
            if (SSL_pending(tls.get()) == 0 && ::poll(descriptors, 2, -1) < 0) return;
            if (SSL_pending(tls.get()) > 0 || descriptors[0].revents != 0) {
                const int got = SSL_read(tls.get(), buffer.data(), static_cast<int>(buffer.size()));
                if (got <= 0 || ::send(broker, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got)
                    return;
            }
            if (descriptors[1].revents != 0) {
                const auto got = ::recv(broker, buffer.data(), buffer.size(), 0);
                if (got <= 0 || SSL_write(tls.get(), buffer.data(), static_cast<int>(got)) != got) return;
            }
        }
    }

    Owned<SSL_CTX> context_;
    int target_port_;
    int listener_ = -1;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::vector<int> sockets_;
    std::vector<std::thread> links_;
    std::thread thread_;
};

TlsFront::TlsFront(const TestCertificates& certificates, int target_port)
    : impl_(std::make_unique<Impl>(certificates, target_port)) {}
TlsFront::~TlsFront() = default;
int TlsFront::port() const {
    return impl_->port_;
}

}  // namespace ordersaga::broker
