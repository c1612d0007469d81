// The settings of the program notifier: its own tables of the file that all programs share. Secrets come by reference
// only. Immutable after loading.
#pragma once

#include "runtime/config.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::notifier {

enum class SmtpSecurity {
    starttls,  // or no mail at all
    tls,       // from the first byte
    none,      // on this machine only
};

struct SmtpConfig {
    std::string host;  // empty: no mail
    std::uint16_t port = 587;
    SmtpSecurity security = SmtpSecurity::starttls;
    std::string user;  // empty: no login
    std::string password;
    std::string ca_file;  // empty: the system's certificates
    std::string from;
    std::string from_name;
    std::chrono::milliseconds timeout{30'000};
};

struct MailConfig {
    std::string key;
    std::int64_t merchant = 0;
    std::string to;
    std::vector<std::string> about;  // topics
};

struct WebhookConfig {
    std::string key;
    std::int64_t merchant = 0;
    std::string url;
    std::vector<std::string> secrets;  // "whsec_..."; the body is signed with each
    std::vector<std::string> about;
    std::chrono::milliseconds timeout{10'000};
};

struct NotifierConfig {
    std::string amqp_url;
    std::string amqp_prefix;
    std::string amqp_ca_file;
    std::string dsn;
    int prefetch = 100;  // events taken and not yet stored, per queue
    std::string templates;
    std::chrono::milliseconds first_retry{5'000};  // upper bound of the first pause; doubles
    std::chrono::milliseconds longest_retry{900'000};
    std::chrono::seconds give_up_after{86'400};
    std::chrono::seconds keep{7'776'000};
    std::string log_level;
    std::string metrics_address;
    std::optional<std::uint16_t> metrics_port;  // absent: no listener
    SmtpConfig smtp;
    std::vector<MailConfig> mail;
    std::vector<WebhookConfig> webhooks;
};

// Check reader.finish() afterwards: the struct is usable only when that is empty.
[[nodiscard]] NotifierConfig read_notifier_config(runtime::ConfigReader& reader);

}  // namespace ordersaga::notifier
