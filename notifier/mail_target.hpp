// Mail over SMTP submission, by libcurl: TLS with the server's name verified, login, one recipient.
#pragma once

#include "notifier/notifier_config.hpp"
#include "notifier/target.hpp"
#include "notifier/templates.hpp"

#include <string>

namespace ordersaga::notifier {

class MailTarget final : public Target {
public:
    MailTarget(SmtpConfig smtp, std::string to, const Templates& templates);

    // A repeat carries the same Message-ID: a server may say yes and be cut off before we hear it, and some recognise
    // the second mail by that.
    TryResult send(const db::DueNotice& notice) override;

private:
    SmtpConfig smtp_;
    std::string to_;
    const Templates& templates_;
};

// Hands over one composed mail. Blocks up to smtp.timeout; any thread.
TryResult send_mail(const SmtpConfig& smtp, const std::string& to, const std::string& message);

}  // namespace ordersaga::notifier
