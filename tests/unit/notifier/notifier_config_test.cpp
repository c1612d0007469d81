#include "notifier/notifier_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace ordersaga::notifier {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const std::string good = R"(
[broker]
url = "env:AMQP"
[notifier]
dsn = "env:DSN"
[notifier.smtp]
host = "mail.example.com"
user = "us"
password = "env:MAIL"
from = "us@example.com"
[[notifier.mail]]
key = "ops"
merchant = 1
to = "ops@example.com"
[[notifier.webhooks]]
key = "erp"
merchant = 1
url = "https://erp.example.com/hook"
secrets = ["env:HOOK"]
)";

std::pair<NotifierConfig, std::string> read(const std::string& toml) {
    const runtime::Environment secrets = runtime::fixed_environment(
        {{"AMQP", "amqp://a:b@127.0.0.1/"},
         {"DSN", "postgresql://127.0.0.1"},
         {"MAIL", "hidden-word"},
         {"HOOK", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
         {"BAD", "hidden-word"}});
    runtime::ConfigReader reader = runtime::ConfigReader::from_text(toml, secrets);
    NotifierConfig config = read_notifier_config(reader);
    return {std::move(config), runtime::describe(reader.finish())};
}

std::string faults_with(const std::string& what, const std::string& instead) {
    std::string text = good;
    text.replace(text.find(what), what.size(), instead);
    return read(text).second;
}

TEST(NotifierConfig, MailIsAboutWhatAPersonMustKnowAndWebhooksAreAboutEverything) {
    const auto [config, faults] = read(good);

    ASSERT_EQ(faults, "");
    EXPECT_EQ(config.smtp.security, SmtpSecurity::starttls);
    for (const char* wanted :
         {"orders.outofstock", "orders.backordered", "incidents.opened", "inventory.low", "inventory.out"})
        EXPECT_THAT(config.mail.at(0).about, Contains(wanted));
    EXPECT_THAT(config.mail.at(0).about, Not(Contains("orders.shipped")));
    EXPECT_THAT(config.webhooks.at(0).about, Contains("orders.shipped"));
}

TEST(NotifierConfig, WhatCannotWorkIsToldAtTheStart) {
    EXPECT_THAT(faults_with("ops@example.com", "ops@example.com\\r\\nBcc: x@example.com"), HasSubstr("mail address"));
    EXPECT_THAT(faults_with("from = \"us@example.com\"", ""), HasSubstr("from"));
    EXPECT_THAT(faults_with("user = \"us\"", ""), HasSubstr("user and password"));
    EXPECT_THAT(faults_with("host = \"mail.example.com\"", ""), HasSubstr("names no host"));
    EXPECT_THAT(faults_with("mail.example.com", "smtp://mail.example.com/x"), HasSubstr("host name"));
    EXPECT_THAT(faults_with("mail.example.com", "169.254.169.254"), HasSubstr("no peer has"));
    EXPECT_THAT(faults_with("mail.example.com", "::ffff:a9fe:a9fe"), HasSubstr("no peer has"));
    EXPECT_THAT(faults_with("user =", "security = \"none\"\nuser ="), HasSubstr("on this machine"));
    EXPECT_THAT(faults_with("https://erp", "http://erp"), HasSubstr("must be https"));
    EXPECT_THAT(faults_with("https://erp.example.com", "https://169.254.169.254"), HasSubstr("no peer has"));
    EXPECT_THAT(faults_with("https://erp.example.com", "https://[::ffff:a9fe:a9fe]"), HasSubstr("no peer has"));
    EXPECT_THAT(faults_with("\"ops\"", "\"Ops One\""), HasSubstr("a-z"));
    EXPECT_THAT(faults_with("to = ", "about = [\"orders.lost\"]\nto = "), HasSubstr("orders.lost"));
    EXPECT_THAT(faults_with("merchant = 1\nto", "to"), HasSubstr("merchant"));
    EXPECT_THAT(faults_with("env:DSN", "postgresql://a:b@c/d"), HasSubstr("dsn"));
}

// The example of docs/notifier.md, beside the broker that every program has.
TEST(NotifierConfig, TheDocumentsExampleIsUnderstood) {
    std::ifstream file("docs/notifier.md");
    std::string toml = "[broker]\nurl = \"env:AMQP\"\n";
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (inside && line == "```") break;
        if (const std::size_t at = line.find("\"credential:"); at != std::string::npos) line.replace(at, 12, "\"env:");
        if (inside) toml += line + "\n";
        inside = inside || line == "```toml";
    }

    runtime::ConfigReader reader = runtime::ConfigReader::from_text(
        toml, runtime::fixed_environment(
                  {{"AMQP", "amqp://a:b@127.0.0.1/"},
                   {"secret_notifier_dsn", "postgresql://127.0.0.1"},
                   {"secret_smtp_password", "x"},
                   {"secret_erp_webhook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}));
    const NotifierConfig config = read_notifier_config(reader);

    EXPECT_EQ(runtime::describe(reader.finish()), "");
    EXPECT_EQ(config.mail.size(), 1U);
    EXPECT_EQ(config.webhooks.size(), 1U);
}

TEST(NotifierConfig, ASecretOfTheWrongFormIsToldAndNotRepeated) {
    const std::string faults = faults_with("env:HOOK", "env:BAD");

    EXPECT_THAT(faults, HasSubstr("whsec_"));
    EXPECT_THAT(faults, Not(HasSubstr("hidden-word")));
}

}  // namespace
}  // namespace ordersaga::notifier
