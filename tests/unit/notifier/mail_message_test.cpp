// What is composed here is read back by the sandbox's own reader.
#include "notifier/mail_message.hpp"

#include "runtime/clock.hpp"
#include "sandbox/mail_sink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace ordersaga::notifier {
namespace {

MailMessage a_mail(std::string subject, std::string text) {
    MailMessage mail;
    mail.from_address = "ordersaga@example.com";
    mail.from_name = "ordersaga";
    mail.to = "ops@example.com";
    mail.message_id = "abc@example.com";
    mail.date = runtime::parse_rfc3339("2026-07-01T09:30:00Z").value();
    mail.subject = std::move(subject);
    mail.text = std::move(text);
    return mail;
}

TEST(MailMessage, IsReadBackAsItWasMeant) {
    const sandbox::ReceivedMail mail =
        sandbox::read_mail(compose(a_mail("Order #1007: out of stock", "Two lines,\nno more.\n")));

    EXPECT_EQ(mail.subject, "Order #1007: out of stock");
    EXPECT_EQ(mail.text, "Two lines,\r\nno more.\r\n");
    EXPECT_EQ(mail.header("From"), "ordersaga <ordersaga@example.com>");
    EXPECT_EQ(mail.header("To"), "<ops@example.com>");
    EXPECT_EQ(mail.header("Date"), "Wed, 01 Jul 2026 09:30:00 +0000");
    EXPECT_EQ(mail.header("Message-ID"), "<abc@example.com>");
    EXPECT_EQ(mail.header("Auto-Submitted"), "auto-generated");
}

TEST(MailMessage, CarriesAnyWriting) {
    const std::string subject =
        "Bestellung Nr. 7 für Größe „XL“ - 在庫切れ, и ещё много слов, чтобы строка не уместилась 🚚🚚🚚";
    const sandbox::ReceivedMail mail = sandbox::read_mail(compose(a_mail(subject, subject + "\n")));

    EXPECT_EQ(mail.subject, subject);
    EXPECT_EQ(mail.text, subject + "\r\n");
}

// An order's name is what a customer's browser or a shop's app made of it.
TEST(MailMessage, NoSubjectCanAddAHeaderOrEndTheHead) {
    const std::size_t headers = sandbox::read_mail(compose(a_mail("plain", "text"))).headers.size();
    for (const std::string subject :
         {"#1\r\nBcc: victim@example.com", "#1\nBcc: victim@example.com", "#1\rBcc: victim@example.com",
          "#1\r\n\r\nanother text",
          "=?UTF-8?B?DQpCY2M6IHZpY3RpbUBleGFtcGxlLmNvbQ==?=", "ü\r\nBcc: victim@example.com"}) {
        const std::string bytes = compose(a_mail(subject, "text"));
        const sandbox::ReceivedMail mail = sandbox::read_mail(bytes);
        EXPECT_EQ(mail.headers.size(), headers) << bytes;
        EXPECT_EQ(mail.header("Bcc"), "");
        EXPECT_EQ(mail.text, "text");
    }
}

TEST(MailMessage, NoNameOfTheSenderCanAddAnAddress) {
    for (const std::string name : {"a <x@example.com>, b", "a\r\nBcc: x@example.com", "a, b", "\"a\" (b)"}) {
        MailMessage mail = a_mail("s", "t");
        mail.from_name = name;
        const std::string from = sandbox::read_mail(compose(mail)).header("From");
        EXPECT_TRUE(from.starts_with("=?UTF-8?B?")) << from;
        EXPECT_EQ(std::count(from.begin(), from.end(), '<'), 1) << from;
        EXPECT_EQ(std::count(from.begin(), from.end(), ','), 0) << from;
    }
}

// A dot alone on a line ends a mail for the server; base64 has none.
TEST(MailMessage, NoTextCanEndTheMail) {
    const std::string bytes = compose(a_mail("s", "before\r\n.\r\nMAIL FROM:<x@example.com>\r\n"));

    EXPECT_EQ(bytes.find("\r\n."), std::string::npos);
    EXPECT_EQ(sandbox::read_mail(bytes).text, "before\r\n.\r\nMAIL FROM:<x@example.com>\r\n");
}

TEST(MailMessage, KeepsItsLinesShortAndInAscii) {
    std::string text;
    for (int i = 0; i < 400; ++i)
        text += "ä";
    const std::string bytes = compose(a_mail(text, text));

    std::istringstream lines(bytes);
    for (std::string line; std::getline(lines, line);) {
        ASSERT_FALSE(line.empty());
        EXPECT_EQ(line.back(), '\r');
        EXPECT_LE(line.size(), 79U) << line;
    }
    EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

TEST(MailAddress, IsPlainOrNone) {
    for (const char* good : {"ops@example.com", "first.last+tag@sub.example.com", "o'neil@example.com"})
        EXPECT_TRUE(is_mail_address(good)) << good;
    for (const char* bad :
         {"", "ops", "@example.com", "ops@", "a b@example.com", "a@b@c", "a@example.com\r\nRCPT TO:<x@y>",
          "<a@example.com>", "a@example.com,b@example.com", "\"a b\"@example.com", "ä@example.com"})
        EXPECT_FALSE(is_mail_address(bad)) << bad;
}

}  // namespace
}  // namespace ordersaga::notifier
