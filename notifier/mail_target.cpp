#include "notifier/mail_target.hpp"

#include "notifier/mail_message.hpp"
#include "runtime/crypto.hpp"
#include "runtime/url.hpp"

#include <curl/curl.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace ordersaga::notifier {

namespace {

constexpr std::size_t longest_answer = 200;

struct Upload {
    std::string_view rest;
    bool ended = false;  // the server has all of it, or may have
};

std::size_t read_upload(char* into, std::size_t size, std::size_t count, void* state) {
    auto& upload = *static_cast<Upload*>(state);
    const std::size_t length = std::min(size * count, upload.rest.size());
    std::memcpy(into, upload.rest.data(), length);
    upload.rest.remove_prefix(length);
    upload.ended = upload.rest.empty();
    return length;
}

// The server's lines come here, that of our goodbye last. The last no says why.
std::size_t keep_refusal(char* line, std::size_t size, std::size_t count, void* state) {
    const bool is_refusal = size * count > 0 && (line[0] == '4' || line[0] == '5');
    if (!is_refusal) return size * count;
    auto& answer = *static_cast<std::string*>(state);
    answer.assign(line, std::min(size * count, longest_answer));
    std::replace_if(
        answer.begin(), answer.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
    answer.erase(answer.find_last_not_of(' ') + 1);
    return size * count;
}

// Where a name leads is known only here. A refused address is kept in the string at `state`.
curl_socket_t open_socket(void* state, curlsocktype, curl_sockaddr* address) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(&address->addr, address->addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
        return CURL_SOCKET_BAD;
    const std::string_view host(text.data());
    if (!runtime::is_never_a_peer(host.substr(0, host.find('%'))))
        return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    *static_cast<std::string*>(state) = host;
    return CURL_SOCKET_BAD;
}

void initialise_library() {
    static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (done != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
}

struct Session {
    std::unique_ptr<curl_slist, void (*)(curl_slist*)> recipients{nullptr, curl_slist_free_all};
    std::unique_ptr<CURL, void (*)(CURL*)> curl{curl_easy_init(), curl_easy_cleanup};

    template <class Value>
    void set(CURLoption option, Value value) {
        if (curl_easy_setopt(curl.get(), option, value) != CURLE_OK)
            throw std::runtime_error("libcurl does not know option " + std::to_string(option));
    }
};

std::string url_of(const SmtpConfig& smtp) {
    const bool literal = smtp.host.find(':') != std::string::npos;
    return (smtp.security == SmtpSecurity::tls ? "smtps://" : "smtp://") +
           (literal ? "[" + smtp.host + "]" : smtp.host) + ":" + std::to_string(smtp.port);
}

void prepare(Session& session, const SmtpConfig& smtp, const std::string& to) {
    session.set(CURLOPT_URL, url_of(smtp).c_str());
    session.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    session.set(CURLOPT_PROXY, "");  // whatever the environment says
    session.set(CURLOPT_NOSIGNAL, 1L);
    session.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(smtp.timeout.count(), std::int64_t{10'000})));
    session.set(CURLOPT_TIMEOUT_MS, static_cast<long>(smtp.timeout.count()));
    if (smtp.security != SmtpSecurity::none) session.set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
    session.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    session.set(CURLOPT_SSL_VERIFYPEER, 1L);
    session.set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!smtp.ca_file.empty()) session.set(CURLOPT_CAINFO, smtp.ca_file.c_str());
    if (!smtp.user.empty()) {
        session.set(CURLOPT_USERNAME, smtp.user.c_str());
        session.set(CURLOPT_PASSWORD, smtp.password.c_str());
    }
    session.recipients.reset(curl_slist_append(nullptr, ("<" + to + ">").c_str()));
    session.set(CURLOPT_MAIL_FROM, ("<" + smtp.from + ">").c_str());
    session.set(CURLOPT_MAIL_RCPT, session.recipients.get());
}

// A no for good is a 5xx about sender, recipient or content. One about login, TLS or the connection as a whole is mended
// at our end or theirs, and the mail waits for that.
bool is_about_the_mail(CURLcode result, long status, bool uploaded) {
    const bool about_us = status == 530 || status == 534 || status == 535 || status == 538;
    return status >= 500 && status < 600 && !about_us &&
           (result == CURLE_SEND_ERROR || (result == CURLE_WEIRD_SERVER_REPLY && uploaded));
}

}  // namespace

TryResult send_mail(const SmtpConfig& smtp, const std::string& to, const std::string& message) {
    initialise_library();
    Upload upload{message};
    std::string answer, refused_address;
    Session session;  // after what its callbacks write to: its end says goodbye to the server
    if (!session.curl) return {TryResult::Kind::try_again, "libcurl has no memory"};
    prepare(session, smtp, to);
    session.set(CURLOPT_UPLOAD, 1L);
    session.set(CURLOPT_READFUNCTION, read_upload);
    session.set(CURLOPT_READDATA, &upload);
    session.set(CURLOPT_HEADERFUNCTION, keep_refusal);
    session.set(CURLOPT_HEADERDATA, &answer);
    session.set(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    session.set(CURLOPT_OPENSOCKETDATA, &refused_address);

    const CURLcode result = curl_easy_perform(session.curl.get());
    if (result == CURLE_OK) return {TryResult::Kind::delivered, {}};

    long status = 0;
    curl_easy_getinfo(session.curl.get(), CURLINFO_RESPONSE_CODE, &status);
    std::string error = curl_easy_strerror(result);
    if (status >= 400) error += ": " + answer;
    if (!refused_address.empty())
        error += ": " + smtp.host + " leads to " + refused_address + ", an address that no peer has";
    if (is_about_the_mail(result, status, upload.ended)) return {TryResult::Kind::refused, error};
    if (upload.ended && status < 400) error += "; the mail may have arrived all the same";
    return {TryResult::Kind::try_again, error};
}

MailTarget::MailTarget(SmtpConfig smtp, std::string to, const Templates& templates)
    : smtp_(std::move(smtp)), to_(std::move(to)), templates_(templates) {}

TryResult MailTarget::send(const db::DueNotice& notice) {
    Letter letter = templates_.render(notice.topic, notice.body);
    MailMessage message;
    message.from_address = smtp_.from;
    message.from_name = smtp_.from_name;
    message.to = to_;
    message.message_id = runtime::sha256_hex(notice.key.event_id + '\n' + notice.key.target + '\n' + notice.body) +
                         smtp_.from.substr(smtp_.from.find('@'));
    message.date = notice.now;
    message.subject = std::move(letter.subject);
    message.text = std::move(letter.text);
    return send_mail(smtp_, to_, compose(message));
}

}  // namespace ordersaga::notifier
