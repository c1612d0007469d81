// Mail leaves only for the server that was meant, over a connection nobody else reads, and with a login that only that
// server gets to see.
#include "notifier/mail_target.hpp"
#include "tests/integration/broker/tls_front.hpp"
#include "tests/integration/notifier/a_sandbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::notifier {
namespace {

using broker::TestCertificates;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = TryResult::Kind;

sandbox::MailSinkOptions with(const TestCertificates& certificates) {
    sandbox::MailSinkOptions options;
    options.certificate_file = certificates.certificate_file();
    options.key_file = certificates.key_file();
    options.user = "us";
    options.password = "secret word";
    return options;
}

SmtpConfig submission(std::uint16_t port, const std::string& ca_file) {
    SmtpConfig smtp;
    smtp.host = "127.0.0.1";
    smtp.port = port;
    smtp.ca_file = ca_file;
    smtp.user = "us";
    smtp.password = "secret word";
    smtp.from = "us@example.com";
    smtp.timeout = std::chrono::seconds(20);
    return smtp;
}

TryResult send(const SmtpConfig& smtp) {
    return send_mail(smtp, "ops@example.com", "Subject: s\r\nMessage-ID: <1@x>\r\n\r\ntext\r\n");
}

TEST(MailSecurity, GoesOverStartTlsWithTheLogin) {
    const TestCertificates certificates("IP:127.0.0.1");
    ASandbox sandbox(with(certificates));

    const TryResult result = send(submission(sandbox.mail_port(), certificates.authority_file()));

    EXPECT_EQ(result.kind, Kind::delivered) << result.error;
    const auto mails = sandbox.effects("mail_received");
    ASSERT_EQ(mails.size(), 1U);
    EXPECT_EQ(mails[0].at("reference"), "ops@example.com");
    EXPECT_EQ(mails[0].at("detail").at("encrypted"), true);
    EXPECT_EQ(mails[0].at("detail").at("from"), "us@example.com");
}

TEST(MailSecurity, ACertificateOfAnotherHostIsToldNothing) {
    const TestCertificates certificates("DNS:elsewhere.example.com");
    ASandbox sandbox(with(certificates));

    const TryResult result = send(submission(sandbox.mail_port(), certificates.authority_file()));

    EXPECT_EQ(result.kind, Kind::try_again);
    EXPECT_THAT(sandbox.effects("mail_received"), IsEmpty());
}

TEST(MailSecurity, ACertificateThatHasExpiredIsToldNothing) {
    const TestCertificates certificates("IP:127.0.0.1", -std::chrono::hours(1));
    ASandbox sandbox(with(certificates));

    const TryResult result = send(submission(sandbox.mail_port(), certificates.authority_file()));

    EXPECT_EQ(result.kind, Kind::try_again);
    EXPECT_THAT(result.error, HasSubstr("certificate"));
    EXPECT_THAT(sandbox.effects("mail_received"), IsEmpty());
}

TEST(MailSecurity, AnAuthorityThatNobodyTrustsIsToldNothing) {
    const TestCertificates certificates("IP:127.0.0.1");
    ASandbox sandbox(with(certificates));

    const TryResult result = send(submission(sandbox.mail_port(), ""));

    EXPECT_EQ(result.kind, Kind::try_again);
    EXPECT_THAT(result.error, HasSubstr("certificate"));
    EXPECT_THAT(sandbox.effects("mail_received"), IsEmpty());
}

// Somebody in between who strikes STARTTLS out of the greeting must not get to read mail and login.
TEST(MailSecurity, AServerWithoutStartTlsGetsNothing) {
    ASandbox sandbox;

    const TryResult result = send(submission(sandbox.mail_port(), ""));

    EXPECT_EQ(result.kind, Kind::try_again);
    EXPECT_THAT(sandbox.effects("mail_received"), IsEmpty());
}

// What the settings did not see, a name's address, is looked at before the first byte.
TEST(MailSecurity, AnAddressThatNoPeerHasIsNotCalled) {
    ASandbox sandbox;
    SmtpConfig smtp = submission(sandbox.mail_port(), "");
    smtp.host = "0.0.0.0";  // leads to this machine

    const TryResult result = send(smtp);

    EXPECT_EQ(result.kind, Kind::try_again);
    EXPECT_THAT(result.error, HasSubstr("no peer has"));
}

TEST(MailSecurity, GoesOverTlsFromTheFirstByte) {
    const TestCertificates certificates("IP:127.0.0.1");
    ASandbox sandbox;
    const broker::TlsFront front(certificates, sandbox.mail_port());
    SmtpConfig smtp = submission(static_cast<std::uint16_t>(front.port()), certificates.authority_file());
    smtp.security = SmtpSecurity::tls;
    smtp.user = smtp.password = "";

    const TryResult result = send(smtp);

    EXPECT_EQ(result.kind, Kind::delivered) << result.error;
    EXPECT_EQ(sandbox.effects("mail_received").size(), 1U);
}

// The password is mended by a person; the mail waits for that.
TEST(MailSecurity, AWrongPasswordIsNoNoForGood) {
    const TestCertificates certificates("IP:127.0.0.1");
    ASandbox sandbox(with(certificates));
    SmtpConfig smtp = submission(sandbox.mail_port(), certificates.authority_file());
    smtp.password = "another word";

    const TryResult result = send(smtp);

    EXPECT_EQ(result.kind, Kind::try_again) << result.error;
    EXPECT_THAT(result.error, testing::Not(HasSubstr("another word")));
}

}  // namespace
}  // namespace ordersaga::notifier
