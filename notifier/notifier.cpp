#include "notifier/notifier.hpp"

#include "broker/consumer.hpp"
#include "notifier/intake.hpp"
#include "notifier/mail_target.hpp"
#include "notifier/sender.hpp"
#include "notifier/webhook_target.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace ordersaga::notifier {

namespace {

// Levels change more often than orders do: neither waits behind the other.
const std::vector<broker::EventQueue>& own_queues() {
    static const std::vector<broker::EventQueue> queues = {
        {"notifier.orders", {"orders.#", "incidents.#"}}, {"notifier.inventory", {"inventory.#"}}};
    return queues;
}

std::string name_of(const MailConfig& mail) {
    return "mail:" + mail.key;
}
std::string name_of(const WebhookConfig& webhook) {
    return "webhook:" + webhook.key;
}

std::vector<Subscription> subscriptions_of(const NotifierConfig& config) {
    std::vector<Subscription> all;
    for (const MailConfig& mail : config.mail)
        all.push_back({name_of(mail), mail.merchant, mail.about});
    for (const WebhookConfig& webhook : config.webhooks)
        all.push_back({name_of(webhook), webhook.merchant, webhook.about});
    return all;
}

SenderOptions sender_options(const NotifierConfig& config, const Subscription& subscription) {
    SenderOptions options;
    options.target = subscription.target;
    options.merchant = subscription.merchant;
    options.retry = {config.first_retry, 2.0, config.longest_retry};
    options.give_up_after = config.give_up_after;
    options.keep = config.keep;
    return options;
}

broker::ConsumerOptions consumer_options(const NotifierConfig& config) {
    broker::ConsumerOptions options;
    options.connection_name = "notifier";
    options.topology = topology_of(config);
    options.prefetch = static_cast<std::uint16_t>(config.prefetch);
    return options;
}

}  // namespace

broker::Topology topology_of(const NotifierConfig& config) {
    broker::TopologyOptions options;
    options.prefix = config.amqp_prefix;
    options.outcome_shards = 0;
    options.command_families = {};
    options.event_queues = own_queues();
    return broker::make_topology(options);
}

std::unique_ptr<Target> make_target(
    const NotifierConfig& config,
    const std::string& name,
    const Templates& templates,
    boost::asio::any_io_executor executor,
    runtime::HttpTransport& http) {
    for (const MailConfig& mail : config.mail) {
        if (name_of(mail) == name) return std::make_unique<MailTarget>(config.smtp, mail.to, templates);
    }
    for (const WebhookConfig& webhook : config.webhooks) {
        if (name_of(webhook) == name) return std::make_unique<WebhookTarget>(webhook, std::move(executor), http);
    }
    return nullptr;
}

struct Notifier::Impl {
    std::map<std::string, std::unique_ptr<Sender>> senders;
    std::unique_ptr<Intake> intake;
    std::unique_ptr<broker::Consumer> consumer;
};

Notifier::Notifier(
    const NotifierConfig& config,
    const broker::Address& address,
    const Templates& templates,
    boost::asio::any_io_executor executor,
    runtime::HttpTransport& http,
    runtime::Metrics& metrics)
    : impl_(std::make_unique<Impl>()) {
    Impl& parts = *impl_;
    const std::vector<Subscription> subscriptions = subscriptions_of(config);
    for (const Subscription& subscription : subscriptions) {
        parts.senders[subscription.target] = std::make_unique<Sender>(
            sender_options(config, subscription), make_target(config, subscription.target, templates, executor, http),
            db::Notices({config.dsn, "ordersaga-notifier " + subscription.target}), metrics);
    }
    parts.intake = std::make_unique<Intake>(
        db::Notices({config.dsn, "ordersaga-notifier intake"}), subscriptions,
        IntakePorts{
            [&parts](broker::DeliveryHandle handle) { parts.consumer->ack(handle); },
            [&parts](broker::DeliveryHandle handle) { parts.consumer->reject(handle, false); },
            [&parts](const std::string& target) {
                parts.senders.at(target)->wake();
            }},
        metrics);
    parts.consumer = std::make_unique<broker::Consumer>(
        address, consumer_options(config),
        [&parts](std::vector<broker::Delivery> deliveries) { parts.intake->on_deliveries(std::move(deliveries)); });
    // Only now: what is delivered is settled through parts.consumer.
    for (const broker::EventQueue& queue : own_queues())
        parts.consumer->subscribe(broker::Names(config.amqp_prefix).event_queue(queue.listener));
}

Notifier::~Notifier() {
    stop();
}

std::string Notifier::why_not_ready() const {
    const std::string fault = broker::consuming_fault(impl_->consumer->health(), std::chrono::steady_clock::now());
    if (!fault.empty()) return "broker: " + fault;
    return impl_->intake->storing() ? "" : "database: it takes nothing";
}

void Notifier::stop() {
    // What was delivered and is not stored by then comes again.
    impl_->consumer->stop(std::chrono::seconds(2));
    impl_->intake->stop();
    for (const auto& [name, sender] : impl_->senders)
        sender->ask_to_stop();
    for (const auto& [name, sender] : impl_->senders)
        sender->stop();
}

}  // namespace ordersaga::notifier
