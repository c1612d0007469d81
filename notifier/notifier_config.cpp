#include "notifier/notifier_config.hpp"

#include "db/address.hpp"
#include "notifier/event.hpp"
#include "notifier/mail_message.hpp"
#include "runtime/standard_webhooks.hpp"
#include "runtime/url.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace ordersaga::notifier {

namespace {

using runtime::ConfigSection;

template <class Unit>
Unit duration(ConfigSection& section, std::string_view key, Unit fallback, Unit low, Unit high) {
    return std::chrono::duration_cast<Unit>(section.duration(key, fallback, low, high));
}

std::string mail_address(ConfigSection& section, std::string_view key, std::string text) {
    if (!text.empty() && !is_mail_address(text)) section.fault(key, "is no plain mail address like ops@example.com");
    return text;
}

std::string key_of(ConfigSection& section, std::set<std::string>& seen) {
    std::string key = section.text("key");
    const bool plain = std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (!plain || key.size() > 40) section.fault("key", "is made of at most 40 of a-z, 0-9, - and _");
    if (!key.empty() && !seen.insert(key).second) section.fault("key", "is used twice");
    return key;
}

std::int64_t merchant_of(ConfigSection& section) {
    return section.integer("merchant", 1, std::numeric_limits<std::int64_t>::max());
}

std::vector<std::string> topics_of(ConfigSection& section, const std::vector<std::string>& fallback) {
    std::vector<std::string> wanted = section.texts("about", fallback);
    for (const std::string& name : wanted) {
        if (find_topic(name) == nullptr) section.fault("about", "there is no topic \"" + name + "\" (docs/events.md)");
    }
    return wanted;
}

std::vector<std::string> topic_names(bool mailed_unasked_only) {
    std::vector<std::string> names;
    for (const Topic& topic : topics()) {
        if (topic.mailed_unasked || !mailed_unasked_only) names.emplace_back(topic.name);
    }
    return names;
}

SmtpConfig read_smtp(ConfigSection section) {
    using namespace std::chrono_literals;
    SmtpConfig smtp;
    smtp.host = section.text("host", "");
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";
    if (smtp.host.find_first_not_of(allowed) != std::string::npos)
        section.fault("host", "is a host name or an address, without scheme and port");
    else if (runtime::is_never_a_peer(smtp.host))
        section.fault("host", "is an address that no peer has");
    smtp.port = static_cast<std::uint16_t>(section.integer("port", 587, 1, 65535));
    const std::string security = section.choice("security", "starttls", {"starttls", "tls", "none"});
    smtp.security = security == "tls"    ? SmtpSecurity::tls
                    : security == "none" ? SmtpSecurity::none
                                         : SmtpSecurity::starttls;
    if (smtp.security == SmtpSecurity::none && !smtp.host.empty() && !runtime::is_loopback_host(smtp.host))
        section.fault("security", "none is for a mail server on this machine: mail would be readable on the network");
    smtp.user = section.text("user", "");
    smtp.password = section.optional_secret("password").value_or("");
    if (smtp.user.empty() != smtp.password.empty())
        section.fault("user", "user and password come together or not at all");
    smtp.ca_file = section.text("ca_file", "");
    smtp.from = mail_address(section, "from", section.text("from", ""));
    smtp.from_name = section.text("from_name", "ordersaga");
    smtp.timeout = duration<std::chrono::milliseconds>(section, "timeout", 30s, 1s, 120s);
    if (!smtp.host.empty() && smtp.from.empty()) section.fault("from", "is missing: the address that mail comes from");
    return smtp;
}

void read_webhook(ConfigSection& section, std::set<std::string>& keys, NotifierConfig& config) {
    using namespace std::chrono_literals;
    WebhookConfig webhook;
    webhook.key = key_of(section, keys);
    webhook.merchant = merchant_of(section);
    webhook.url = section.text("url");
    const runtime::Result<runtime::Url> url = runtime::parse_url(webhook.url);
    if (!webhook.url.empty() && !url) section.fault("url", url.error().message);
    if (url && !url->tls && !runtime::is_loopback_host(url->host))
        section.fault("url", "must be https: plain http would show the events to the network");
    webhook.secrets = section.secrets("secrets");
    if (webhook.secrets.empty()) section.fault("secrets", "needs at least one, whsec_ and base64 behind it");
    for (const std::string& secret : webhook.secrets) {
        if (!runtime::standard_webhook_signature("id", "0", "", secret))
            section.fault("secrets", "one of them is not whsec_ and base64 behind it");
    }
    webhook.about = topics_of(section, topic_names(false));
    webhook.timeout = duration<std::chrono::milliseconds>(section, "timeout", 10s, 1s, 60s);
    config.webhooks.push_back(std::move(webhook));
}

void read_targets(ConfigSection& section, NotifierConfig& config) {
    std::set<std::string> keys;
    for (ConfigSection& table : section.tables("mail")) {
        MailConfig mail;
        mail.key = key_of(table, keys);
        mail.merchant = merchant_of(table);
        mail.to = mail_address(table, "to", table.text("to"));
        mail.about = topics_of(table, topic_names(true));
        if (config.smtp.host.empty()) table.fault("to", "no mail can be sent: [notifier.smtp] names no host");
        config.mail.push_back(std::move(mail));
    }
    keys.clear();
    for (ConfigSection& table : section.tables("webhooks"))
        read_webhook(table, keys, config);
}

}  // namespace

NotifierConfig read_notifier_config(runtime::ConfigReader& reader) {
    using namespace std::chrono_literals;
    using std::chrono::milliseconds;
    using std::chrono::seconds;
    NotifierConfig config;
    ConfigSection broker = reader.section("broker");
    config.amqp_url = broker.secret("url");
    config.amqp_prefix = broker.text("prefix", "");
    config.amqp_ca_file = broker.text("ca_file", "");
    ConfigSection own = reader.section("notifier");
    config.dsn = own.secret("dsn");
    if (const std::string fault = db::address_fault(config.dsn); !fault.empty()) own.fault("dsn", fault);
    config.prefetch = static_cast<int>(own.integer("prefetch", 100, 1, 1000));
    config.templates = own.text("templates", "");
    config.first_retry = duration<milliseconds>(own, "first_retry", 5s, 10ms, 1h);
    config.longest_retry = duration<milliseconds>(own, "longest_retry", 15min, 10ms, 24h);
    config.give_up_after = duration<seconds>(own, "give_up_after", 24h, 1s, 168h);
    config.keep = duration<seconds>(own, "keep", 2160h, 336h, 87600h);
    config.log_level = own.choice("log_level", "info", {"debug", "info", "warn", "error", "off"});
    config.metrics_address = own.text("metrics_address", "127.0.0.1");
    if (own.has("metrics_port")) {
        config.metrics_port = static_cast<std::uint16_t>(own.integer("metrics_port", 0, 0, 65535));
    }
    config.smtp = read_smtp(own.section("smtp"));
    read_targets(own, config);
    reader.leave_to_others(
        {"public", "private", "engine", "api", "amqp", "log", "duties", "calls", "saga", "retention", "credentials",
         "database", "worker", "metrics", "stores", "warehouses"});
    return config;
}

}  // namespace ordersaga::notifier
