#include "orchestrator/broker_ports.hpp"

#include "broker/envelope.hpp"
#include "broker/envelope_list.hpp"
#include "runtime/json.hpp"
#include "runtime/log.hpp"
#include "runtime/metrics.hpp"
#include "runtime/planted.hpp"
#include "sagas/activities.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <iterator>
#include <stdexcept>

namespace ordersaga {
namespace {

std::optional<std::int64_t> merchant_in(const std::string& text) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value <= 0) return std::nullopt;
    return value;
}

broker::Envelope envelope_of(const engine::CommandRow& command, int shards, std::optional<int> reply_shard) {
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
    envelope.reply_to = broker::outcome_routing_key(reply_shard.value_or(engine::shard_of(home, shards)));
    envelope.lists = reply_shard.has_value();
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
    runtime::Metrics& metrics,
    ListTerms::Options lists)
    : names_(topology.prefix), definitions_(std::move(definitions)), metrics_(metrics), terms_(lists) {
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

std::optional<std::string> BrokerSink::family_of(const std::string& activity) const {
    for (const sagas::SagaDefinition* definition : definitions_) {
        try {
            return definition->policy_of(activity).family;
        } catch (const std::out_of_range&) {
            continue;  // another kind's activity
        }
    }
    return std::nullopt;
}

void BrokerSink::answered(const std::string& activity, bool reads_lists) {
    if (const auto family = family_of(activity))
        terms_.answered(*family, reads_lists, std::chrono::steady_clock::now());
}

void BrokerSink::send(const std::vector<engine::CommandRow>& commands, int shards) {
    const std::optional<int> reply_shard = terms_.reply_shard();
    std::map<std::string, std::vector<Encoded>> together;  // by routing key
    for (const engine::CommandRow& command : commands) {
        const std::optional<std::string> family = family_of(command.activity);
        if (!family) throw std::logic_error("no family for activity " + command.activity);
        broker::Envelope envelope = envelope_of(command, shards, reply_shard);
        runtime::Result<std::string> body = broker::encode(envelope);
        if (!body) {
            // Too large or not text: the attempt ends by its deadline and the command by its policy, visibly.
            runtime::log_error(
                "a command cannot be encoded", {{"command_id", command.command_id}, {"error", body.error().message}});
            continue;
        }
        const std::string routing_key = *family + "." + command.activity;
        Encoded encoded{std::move(envelope.message_id), std::move(*body), &command};
        // What was tried before goes alone: it may be what its worker died of.
        const bool alone = command.attempt > 1 || command.lookup_first ||
                           !terms_.workers_read_lists(*family, std::chrono::steady_clock::now());
        if (alone) {
            offer_commands(routing_key, {&encoded});
        } else {
            together[routing_key].push_back(std::move(encoded));
        }
    }
    for (const auto& [routing_key, encoded] : together)
        offer_lists(routing_key, encoded);
}

// In messages of about the same number of commands, so that each worker gets its part.
void BrokerSink::offer_lists(const std::string& routing_key, const std::vector<Encoded>& commands) {
    const std::size_t messages = (commands.size() + most_in_a_list - 1) / most_in_a_list;
    const std::size_t wanted = (commands.size() + messages - 1) / messages;
    std::vector<const Encoded*> list;
    std::size_t bytes = 0;
    for (const Encoded& command : commands) {
        if (list.size() == wanted || !broker::has_room(list.size(), bytes, command.body.size())) {
            offer_commands(routing_key, list);
            list.clear();
            bytes = 0;
        }
        list.push_back(&command);
        bytes += command.body.size();
    }
    offer_commands(routing_key, list);
}

void BrokerSink::offer_commands(const std::string& routing_key, const std::vector<const Encoded*>& commands) {
    broker::Message message;
    message.exchange = names_.commands_exchange();
    message.routing_key = routing_key;
    message.message_id = commands.front()->message_id;
    Sent sent;
    std::vector<std::string_view> bodies;
    for (const Encoded* encoded : commands) {
        bodies.push_back(encoded->body);
        sent.commands_and_tokens.emplace_back(encoded->command->command_id, encoded->command->attempt_token);
    }
    if (commands.size() == 1) {
        message.traceparent = commands.front()->command->trace;
    } else {
        // No other list has this id: what the broker hands back is told by it.
        const std::lock_guard lock(mutex_);
        message.message_id += "+" + std::to_string(next_tag_);
    }
    message.body = broker::join_envelopes(bodies);
    offer(std::move(message), std::move(sent));
}

void BrokerSink::announce(const std::vector<engine::AnnouncementRow>& announcements) {
    for (const engine::AnnouncementRow& row : announcements) {
        broker::Message message;
        message.exchange = names_.events_exchange();
        message.routing_key = row.routing_key;
        message.message_id = "announcement." + std::to_string(row.announcement_id);
        message.body = runtime::dump_json(row.body);
        message.mandatory = false;  // nobody need listen
        offer(std::move(message), {{}, row.announcement_id});
    }
}

void BrokerSink::offer(broker::Message message, Sent sent) {
    {
        std::lock_guard lock(mutex_);
        message.tag = next_tag_++;
        under_way_.emplace(message.tag, std::move(sent));
    }
    std::uint64_t tag = message.tag;
    if (publisher_->try_publish(std::move(message))) {
        metrics_.counter("ordersaga_messages_total", "Messages given to the broker").add();
        return;
    }
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
                auto& confirmed = sent->second.commands_and_tokens;
                if (confirmed.empty()) announcements.push_back(sent->second.announcement_id);
                std::move(confirmed.begin(), confirmed.end(), std::back_inserter(commands));
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

// A poll that has told all there was: the next one is due in a minute.
bool can_wait(const broker::Envelope& envelope, const sagas::Outcome& outcome) {
    const bool polled =
        envelope.activity == sagas::activity::poll_orders || envelope.activity == sagas::activity::poll_fulfillments;
    return polled && outcome.payload.is_object() && outcome.payload.value("complete", true);
}

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
    runtime::KeyRing keys,
    BrokerSink* sink)
    : names_(topology.prefix), loop_(loop), sink_(sink), metrics_(metrics), keys_(std::move(keys)) {
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
    if (sink_ != nullptr) sink_->serves(shards);
}

// One message whose outcomes are with the engine; settled by the last of them. The engine's thread and the consumer's.
struct OutcomeSource::Arrival {
    broker::DeliveryHandle handle;
    std::atomic<std::size_t> open{0};
    std::atomic<bool> committed{true};  // all that have come back
    bool faulty = false;                // a part of it is no outcome
};

void OutcomeSource::on_deliveries(std::vector<broker::Delivery> deliveries) {
    for (const broker::Delivery& delivery : deliveries)
        take(delivery);
}

void OutcomeSource::take(const broker::Delivery& delivery) {
    runtime::Result<std::vector<std::string_view>> bodies = broker::split_envelopes(delivery.body);
    if (!bodies) {
        refuse(delivery, bodies.error().message);
        return consumer_->reject(delivery.handle, false);
    }
    const auto arrival = std::make_shared<Arrival>();
    arrival->handle = delivery.handle;
    std::vector<engine::OutcomeArrived> outcomes;
    for (const std::string_view body : *bodies) {
        try {
            outcomes.push_back(read(body));
        } catch (const std::exception& fault) {
            arrival->faulty = true;
            refuse(delivery, fault.what());
        }
    }
    if (outcomes.empty()) return consumer_->reject(delivery.handle, false);
    if (runtime::planted("outcome_acked_before_commit")) consumer_->ack(delivery.handle);
    arrival->open = outcomes.size();
    for (engine::OutcomeArrived& outcome : outcomes) {
        engine::Input input;
        input.content = std::move(outcome);
        input.done = [this, arrival](const engine::InputResult& result) {
            settle(*arrival, result.kind);
        };
        loop_.offer(std::move(input));
    }
}

engine::OutcomeArrived OutcomeSource::read(std::string_view body) {
    runtime::Result<broker::Envelope> envelope = broker::decode(body);
    if (!envelope) throw std::invalid_argument(envelope.error().message);
    if (envelope->kind != broker::EnvelopeKind::outcome) throw std::invalid_argument("not an outcome");
    runtime::Result<nlohmann::json> payload = runtime::parse_json(envelope->payload);
    std::optional<std::int64_t> merchant = merchant_in(envelope->merchant_id);
    if (!payload) throw std::invalid_argument(payload.error().message);
    if (!merchant) throw std::invalid_argument("the merchant id is no number");
    engine::OutcomeArrived arrived;
    arrived.merchant = {*merchant};
    arrived.saga_id = envelope->saga_id;
    arrived.command_id = envelope->step;
    arrived.attempt_token = envelope->attempt_token;
    arrived.outcome = sagas::outcome_from_json(*payload);
    open_payload(keys_, arrived.attempt_token, arrived.outcome);
    arrived.can_wait = can_wait(*envelope, arrived.outcome);
    if (sink_ != nullptr) sink_->answered(envelope->activity, envelope->lists);
    return arrived;
}

void OutcomeSource::refuse(const broker::Delivery& delivery, const std::string& fault) {
    runtime::log_warn(
        "a message is no outcome; it goes to the dead letters", {{"queue", delivery.queue}, {"error", fault}});
    metrics_.counter("ordersaga_refused_outcomes_total", "Messages on outcome queues that are no outcomes").add();
}

void OutcomeSource::settle(Arrival& arrival, engine::InputResult::Kind kind) {
    if (kind == engine::InputResult::Kind::unavailable) arrival.committed = false;
    if (--arrival.open > 0 || !arrival.committed) return;  // stays unacked: it is delivered again
    if (arrival.faulty) return consumer_->reject(arrival.handle, false);
    consumer_->ack(arrival.handle);
}

}  // namespace ordersaga
