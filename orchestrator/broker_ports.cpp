#include "orchestrator/broker_ports.hpp"

#include "broker/envelope.hpp"
#include "runtime/json.hpp"
#include "runtime/log.hpp"
#include "runtime/metrics.hpp"
#include "runtime/planted.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace ordersaga {
namespace {

std::optional<std::int64_t> merchant_in(const std::string& text) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value <= 0) return std::nullopt;
    return value;
}

broker::Envelope envelope_of(const engine::CommandRow& command, int shards) {
    broker::Envelope envelope;
    envelope.kind = broker::EnvelopeKind::command;
    envelope.message_id = command.command_id + "." + std::to_string(command.attempt);
    envelope.merchant_id = std::to_string(command.merchant.value);
    envelope.saga_id = command.saga_id;
    envelope.step = command.command_id;  // comes back with the outcome
    envelope.activity = command.activity;
    envelope.attempt = command.attempt;
    envelope.attempt_token = command.attempt_token;
    envelope.idempotency_key = command.idempotency_key;
    const std::string& home = command.saga_id.empty() ? command.command_id : command.saga_id;
    envelope.reply_to = broker::outcome_routing_key(engine::shard_of(home, shards));
    envelope.send_before = command.send_before;
    envelope.deadline = command.deadline;
    envelope.traceparent = command.trace;
    nlohmann::json payload = command.payload;
    if (command.lookup_first) payload["lookup_first"] = true;
    envelope.payload = runtime::dump_json(payload);
    return envelope;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------

BrokerSink::BrokerSink(
    const broker::Address& address,
    const broker::TopologyOptions& topology,
    std::vector<const sagas::SagaDefinition*> definitions,
    runtime::Metrics& metrics)
    : names_(topology.prefix), definitions_(std::move(definitions)), metrics_(metrics) {
    broker::PublisherOptions options;
    options.connection_name = "orchestrator publisher";
    options.topology = broker::make_topology(topology);
    publisher_ = std::make_unique<broker::Publisher>(
        address, options, [this](std::vector<broker::PublishResult> results) { on_results(results); });
}

BrokerSink::~BrokerSink() {
    stop();
}

void BrokerSink::connect(EngineLoop& loop) {
    std::lock_guard lock(mutex_);
    loop_ = &loop;
}

void BrokerSink::stop() {
    publisher_->stop(std::chrono::seconds(2));
    std::lock_guard lock(mutex_);
    loop_ = nullptr;
}

broker::Health BrokerSink::health() const {
    return publisher_->health();
}

std::string BrokerSink::routing_key_of(const engine::CommandRow& command) const {
    for (const sagas::SagaDefinition* definition : definitions_) {
        try {
            return definition->policy_of(command.activity).family + "." + command.activity;
        } catch (const std::out_of_range&) {
            continue;  // another kind's activity
        }
    }
    throw std::logic_error("no family for activity " + command.activity);
}

void BrokerSink::send(const std::vector<engine::CommandRow>& commands, int shards) {
    for (const engine::CommandRow& command : commands) {
        broker::Envelope envelope = envelope_of(command, shards);
        runtime::Result<std::string> body = broker::encode(envelope);
        if (!body) {
            // Too large or not text: the attempt ends by its deadline and the command by its policy, visibly.
            runtime::log_error(
                "a command cannot be encoded", {{"command_id", command.command_id}, {"error", body.error().message}});
            continue;
        }
        broker::Message message;
        message.exchange = names_.commands_exchange();
        message.routing_key = routing_key_of(command);
        message.message_id = envelope.message_id;
        message.body = std::move(*body);
        message.traceparent = command.trace;
        offer(std::move(message), {command.command_id, command.attempt_token, 0});
    }
}

void BrokerSink::announce(const std::vector<engine::AnnouncementRow>& announcements) {
    for (const engine::AnnouncementRow& row : announcements) {
        broker::Message message;
        message.exchange = names_.events_exchange();
        message.routing_key = row.routing_key;
        message.message_id = "announcement." + std::to_string(row.announcement_id);
        message.body = runtime::dump_json(row.body);
        message.mandatory = false;  // nobody need listen
        offer(std::move(message), {{}, {}, row.announcement_id});
    }
}

void BrokerSink::offer(broker::Message message, Sent sent) {
    {
        std::lock_guard lock(mutex_);
        message.tag = next_tag_++;
        under_way_.emplace(message.tag, std::move(sent));
    }
    std::uint64_t tag = message.tag;
    if (publisher_->try_publish(std::move(message))) return;
    std::lock_guard lock(mutex_);
    under_way_.erase(tag);
    metrics_
        .counter(
            "ordersaga_publish_deferred_total", "Messages the publisher had no room for; the relay offers them again")
        .add();
}

void BrokerSink::on_results(const std::vector<broker::PublishResult>& results) {
    std::vector<std::pair<std::string, std::string>> commands;
    std::vector<std::int64_t> announcements;
    EngineLoop* loop = nullptr;
    {
        std::lock_guard lock(mutex_);
        loop = loop_;
        for (const broker::PublishResult& result : results) {
            auto sent = under_way_.find(result.tag);
            if (sent == under_way_.end()) continue;
            const bool believed = runtime::planted("confirm_not_awaited");
            if (result.status == broker::PublishStatus::confirmed || believed) {
                if (sent->second.command_id.empty()) {
                    announcements.push_back(sent->second.announcement_id);
                } else {
                    commands.emplace_back(sent->second.command_id, sent->second.attempt_token);
                }
            } else {
                metrics_
                    .counter(
                        "ordersaga_publish_failed_total", "Publishes without a confirm",
                        {{"status", std::string(broker::to_text(result.status))}})
                    .add();
            }
            under_way_.erase(sent);
        }
    }
    if (loop == nullptr) return;
    if (!commands.empty()) loop->published(std::move(commands));
    if (!announcements.empty()) loop->announced(std::move(announcements));
}

// ---------------------------------------------------------------------------------------------------------------------

namespace {

// What tells of orders travels sealed (activities/command_runner.cpp). Throws when it cannot be opened.
void open_payload(const runtime::KeyRing& keys, const std::string& attempt_token, sagas::Outcome& outcome) {
    const nlohmann::json* sealed = runtime::find_member(outcome.payload, "sealed");
    if (sealed == nullptr) return;
    if (!sealed->is_string()) throw std::invalid_argument("payload.sealed must be text");
    const std::string text = keys.open_text(sealed->get<std::string>(), attempt_token).value();
    outcome.payload = runtime::parse_json(text).value();
}

}  // namespace

OutcomeSource::OutcomeSource(
    const broker::Address& address,
    const broker::TopologyOptions& topology,
    EngineLoop& loop,
    runtime::Metrics& metrics,
    runtime::KeyRing keys)
    : names_(topology.prefix), loop_(loop), metrics_(metrics), keys_(std::move(keys)) {
    broker::ConsumerOptions options;
    options.connection_name = "orchestrator outcomes";
    options.topology = broker::make_topology(topology);
    consumer_ = std::make_unique<broker::Consumer>(
        address, options, [this](std::vector<broker::Delivery> deliveries) { on_deliveries(std::move(deliveries)); });
}

OutcomeSource::~OutcomeSource() {
    stop();
}

void OutcomeSource::stop() {
    consumer_->stop(std::chrono::milliseconds(500));
}

broker::Health OutcomeSource::health() const {
    return consumer_->health();
}

void OutcomeSource::serve(const std::vector<int>& shards) {
    for (int shard : shards) {
        if (std::find(shards_.begin(), shards_.end(), shard) == shards_.end())
            consumer_->subscribe(names_.outcome_queue(shard));
    }
    for (int shard : shards_) {
        if (std::find(shards.begin(), shards.end(), shard) == shards.end())
            consumer_->unsubscribe(names_.outcome_queue(shard));
    }
    shards_ = shards;
}

void OutcomeSource::on_deliveries(std::vector<broker::Delivery> deliveries) {
    for (broker::Delivery& delivery : deliveries) {
        std::string fault;
        engine::OutcomeArrived arrived;
        runtime::Result<broker::Envelope> envelope = broker::decode(delivery.body);
        if (!envelope) {
            fault = envelope.error().message;
        } else if (envelope->kind != broker::EnvelopeKind::outcome) {
            fault = "not an outcome";
        } else {
            try {
                runtime::Result<nlohmann::json> payload = runtime::parse_json(envelope->payload);
                std::optional<std::int64_t> merchant = merchant_in(envelope->merchant_id);
                if (!payload) throw std::invalid_argument(payload.error().message);
                if (!merchant) throw std::invalid_argument("the merchant id is no number");
                arrived.merchant = {*merchant};
                arrived.saga_id = envelope->saga_id;
                arrived.command_id = envelope->step;
                arrived.attempt_token = envelope->attempt_token;
                arrived.outcome = sagas::outcome_from_json(*payload);
                open_payload(keys_, arrived.attempt_token, arrived.outcome);
            } catch (const std::exception& error) {
                fault = error.what();
            }
        }
        if (!fault.empty()) {
            runtime::log_warn(
                "a message is no outcome; it goes to the dead letters", {{"queue", delivery.queue}, {"error", fault}});
            metrics_.counter("ordersaga_refused_outcomes_total", "Messages on outcome queues that are no outcomes")
                .add();
            consumer_->reject(delivery.handle, false);
            continue;
        }
        broker::DeliveryHandle handle = delivery.handle;
        if (runtime::planted("outcome_acked_before_commit")) consumer_->ack(handle);
        engine::Input input;
        input.content = std::move(arrived);
        input.done = [this, handle](const engine::InputResult& result) {
            if (result.kind == engine::InputResult::Kind::unavailable) return;  // stays unacked: it is delivered again
            consumer_->ack(handle);
        };
        loop_.offer(std::move(input));
    }
}

}  // namespace ordersaga
