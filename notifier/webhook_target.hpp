// Webhooks to a merchant's own systems, signed as Standard Webhooks has it.
#pragma once

#include "notifier/notifier_config.hpp"
#include "notifier/target.hpp"
#include "runtime/http_client.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <string>

namespace ordersaga::notifier {

class WebhookTarget final : public Target {
public:
    // Calls run on `executor`, which another thread must be running. Both must outlive the target.
    WebhookTarget(WebhookConfig config, boost::asio::any_io_executor executor, runtime::HttpTransport& http);

    // A repeat carries the same webhook-id and the same body, under the time and signature of its own try. Any 2xx is a
    // yes; 410 says that nobody wants it any more; everything else is tried again.
    TryResult send(const db::DueNotice& notice) override;

private:
    WebhookConfig config_;
    boost::asio::any_io_executor executor_;
    runtime::HttpTransport& http_;
};

// The request as it goes out; pure.
runtime::HttpCall webhook_call(const WebhookConfig& config, const db::DueNotice& notice);

}  // namespace ordersaga::notifier
