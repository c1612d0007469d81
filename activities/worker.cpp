#include "activities/worker.hpp"

#include "activities/command_runner.hpp"
#include "broker/envelope_list.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "runtime/planted.hpp"
#include "runtime/random.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <utility>

namespace ordersaga::activities {

using nlohmann::json;
using sagas::Outcome;

namespace {

constexpr std::size_t most_known_bytes = 8 * 1024 * 1024;
// The first repeat of a message is a lost connection, most likely; a second one may be a command that kills its worker.
constexpr std::int64_t suspicious_deliveries = 2;

std::string trace_id_of(const std::string& traceparent) {
    return traceparent.size() >= 35 ? traceparent.substr(3, 32) : std::string();
}

std::chrono::milliseconds pause_before(int tries) {
    return std::chrono::milliseconds(std::min(100 << std::min(tries, 7), 5000));
}

void log_outcome(const broker::Envelope& command, const Outcome& outcome, double seconds) {
    const bool done = outcome.kind == sagas::OutcomeKind::done;
    const std::string trace = trace_id_of(command.traceparent);
    runtime::write_log(
        done ? runtime::LogLevel::debug : runtime::LogLevel::info, "outcome",
        {{"saga_id", command.saga_id},
         {"activity", command.activity},
         {"attempt", command.attempt},
         {"outcome", sagas::name_of(outcome.kind)},
         {"reason", outcome.reason},
         {"seconds", seconds},
         {"trace_id", trace}});
}

}  // namespace

Worker::Worker(
    boost::asio::any_io_executor executor,
    CommandRunner& runner,
    runtime::Random& random,
    runtime::Metrics& metrics,
    std::string outcomes_exchange,
    std::size_t concurrency)
    : executor_(std::move(executor)),
      runner_(runner),
      random_(random),
      metrics_(metrics),
      exchange_(std::move(outcomes_exchange)),
      concurrency_(concurrency) {}

void Worker::on_deliveries(std::vector<broker::Delivery> deliveries) {
    boost::asio::post(executor_, [self = shared_from_this(), batch = std::move(deliveries)] {
        for (const broker::Delivery& delivery : batch) {
            self->take(delivery);
        }
    });
}

void Worker::on_results(std::vector<broker::PublishResult> results) {
    boost::asio::post(executor_, [self = shared_from_this(), batch = std::move(results)] {
        for (const broker::PublishResult& result : batch) {
            self->settle(result);
        }
    });
}

void Worker::take(const broker::Delivery& delivery) {
    const auto arrival = std::make_shared<Arrival>();
    arrival->handle = delivery.handle;
    arrival->queue = delivery.queue;
    arrival->seen_before = delivery.redelivered || delivery.delivery_count > 0;
    const auto log_fault = [&delivery](const std::string& why) {
        runtime::log_warn("message rejected", {{"queue", delivery.queue}, {"reason", why}});
    };
    runtime::Result<std::vector<std::string_view>> bodies = broker::split_envelopes(delivery.body);
    if (!bodies.ok()) {
        log_fault(bodies.error().message);
        return refuse(*arrival);
    }
    std::deque<broker::Envelope> commands;
    for (const std::string_view body : *bodies) {
        runtime::Result<broker::Envelope> decoded = broker::decode(body);
        if (decoded.ok() && decoded->kind == broker::EnvelopeKind::command && !decoded->reply_to.empty()) {
            commands.push_back(std::move(decoded).value());
        } else {
            arrival->faulty = true;
            log_fault(decoded.ok() ? "not a command with a way to answer" : decoded.error().message);
        }
    }
    if (commands.empty()) return refuse(*arrival);
    arrival->open = commands.size();
    if (commands.size() > 1 && delivery.delivery_count >= suspicious_deliveries) {
        const auto first = delivery.delivery_count % static_cast<std::int64_t>(commands.size());
        std::rotate(commands.begin(), commands.begin() + first, commands.end());
        broker::Envelope command = std::move(commands.front());
        commands.pop_front();
        arrival->later = std::move(commands);
        return enlist(arrival, std::move(command));
    }
    for (broker::Envelope& command : commands)
        enlist(arrival, std::move(command));
}

void Worker::refuse(const Arrival& arrival) {
    metrics_.counter("ordersaga_worker_rejected_total", "Messages sent to the dead letters").add();
    if (runtime::planted("dead_letter_dropped")) return ports_.ack(arrival.handle);
    ports_.reject(arrival.handle);
}

void Worker::enlist(const ArrivalRef& arrival, broker::Envelope command) {
    const std::string token = command.attempt_token;
    if (const auto in_work = works_.find(token); in_work != works_.end()) {
        in_work->second.arrivals.push_back(arrival);
        return;
    }
    Work& work = works_[token];
    work.arrivals.push_back(arrival);
    work.listed = command.lists;
    if (const auto known = known_.find(token); known != known_.end()) {
        work.outcome = known->second;
        publish(token);
        return;
    }
    lanes_[arrival->queue].waiting.push_back({std::move(command), arrival->seen_before});
    start_waiting(arrival->queue);
}

void Worker::start_waiting(const std::string& queue) {
    Lane& lane = lanes_[queue];
    while (lane.running < concurrency_ && !lane.waiting.empty()) {
        Waiting next = std::move(lane.waiting.front());
        lane.waiting.pop_front();
        ++lane.running;
        boost::asio::co_spawn(
            executor_, perform(std::move(next.command), next.seen_before),
            [self = shared_from_this(), queue](const std::exception_ptr& error) {
                if (error) {
                    runtime::log_error("a command broke the worker");
                }
                boost::asio::post(self->executor_, [self, queue] {
                    --self->lanes_[queue].running;
                    self->start_waiting(queue);
                });
            });
    }
}

boost::asio::awaitable<void> Worker::perform(broker::Envelope command, bool seen_before) {
    const std::string token = command.attempt_token;
    const auto start = std::chrono::steady_clock::now();
    runtime::crash_point("worker.command_taken");
    Outcome outcome;
    try {
        outcome = co_await runner_.run(command, seen_before);
    } catch (const std::exception& error) {
        outcome.kind = sagas::OutcomeKind::unknown;
        outcome.reason = std::string("the worker broke: ") + error.what();
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    log_outcome(command, outcome, seconds);
    count(command.activity, outcome, seconds);
    const auto work = works_.find(token);
    if (work == works_.end()) {
        co_return;
    }
    work->second.outcome = message_of(command, outcome);
    if (runtime::planted("command_acked_before_answer")) ports_.ack(work->second.arrivals.front()->handle);
    runtime::crash_point("worker.outcome_known");
    publish(token);
}

broker::Message Worker::message_of(const broker::Envelope& command, const Outcome& outcome) {
    broker::Envelope envelope;
    envelope.kind = broker::EnvelopeKind::outcome;
    envelope.message_id = runtime::new_uuid_v4(random_);
    envelope.merchant_id = command.merchant_id;
    envelope.saga_id = command.saga_id;
    envelope.step = command.step;
    envelope.activity = command.activity;
    envelope.attempt = command.attempt;
    envelope.attempt_token = command.attempt_token;
    envelope.idempotency_key = command.idempotency_key;
    envelope.traceparent = command.traceparent;
    envelope.lists = true;
    envelope.payload = sagas::to_json(outcome).dump(-1, ' ', false, json::error_handler_t::replace);
    runtime::Result<std::string> encoded = broker::encode(envelope);
    if (!encoded.ok()) {
        // Too large, most likely. The engine must hear something; what was done stays to be looked up.
        Outcome untold;
        untold.kind = sagas::OutcomeKind::unknown;
        untold.reason = "the outcome cannot be sent: " + encoded.error().message;
        envelope.payload = sagas::to_json(untold).dump(-1, ' ', false, json::error_handler_t::replace);
        encoded = broker::encode(envelope);
    }
    broker::Message message;
    message.exchange = exchange_;
    message.routing_key = command.reply_to;
    message.message_id = envelope.message_id;
    message.body = std::move(encoded).value();
    message.traceparent = command.traceparent;
    return message;
}

void Worker::publish(const std::string& token) {
    const auto found = works_.find(token);
    if (found == works_.end()) {
        return;
    }
    const Work& work = found->second;
    const std::string shard = work.outcome.routing_key;
    // What was not confirmed goes alone, so that no outcome can keep others from being told.
    if (!work.listed || work.tries > 0) return send({{token}, {}});
    Outbox& outbox = outboxes_[shard];
    outbox.waiting.push_back(token);
    if (outbox.under_way || outbox.due) return;
    outbox.due = true;
    // Whatever else is ready at this moment goes with it.
    boost::asio::post(executor_, [self = shared_from_this(), shard] { self->empty_outbox(shard); });
}

void Worker::empty_outbox(const std::string& shard) {
    Outbox& outbox = outboxes_[shard];
    outbox.due = false;
    if (outbox.under_way || outbox.waiting.empty()) return;
    Sent sent;
    sent.outbox = shard;
    std::size_t bytes = 0;
    while (!outbox.waiting.empty()) {
        const std::size_t next = works_.at(outbox.waiting.front()).outcome.body.size();
        if (!broker::has_room(sent.tokens.size(), bytes, next)) break;
        bytes += next;
        sent.tokens.push_back(std::move(outbox.waiting.front()));
        outbox.waiting.pop_front();
    }
    outbox.under_way = true;
    send(std::move(sent));
}

void Worker::send(Sent sent) {
    broker::Message message;
    std::vector<std::string_view> bodies;
    for (const std::string& token : sent.tokens) {
        Work& work = works_.at(token);
        ++work.tries;
        bodies.push_back(work.outcome.body);
    }
    const broker::Message& first = works_.at(sent.tokens.front()).outcome;
    if (sent.tokens.size() == 1) {
        message = first;
    } else {
        message.exchange = first.exchange;
        message.routing_key = first.routing_key;
        message.message_id = runtime::new_uuid_v4(random_);
        message.body = broker::join_envelopes(bodies);
    }
    const std::uint64_t tag = next_tag_++;
    message.tag = tag;
    if (ports_.try_publish(std::move(message))) {
        sent_.emplace(tag, std::move(sent));
        metrics_.counter("ordersaga_messages_total", "Messages given to the broker").add();
        return;
    }
    if (!sent.outbox.empty()) {
        Outbox& outbox = outboxes_[sent.outbox];
        outbox.under_way = false;
        std::move(outbox.waiting.begin(), outbox.waiting.end(), std::back_inserter(sent.tokens));
        outbox.waiting.clear();
    }
    for (const std::string& token : sent.tokens)
        publish_later(token);
}

void Worker::publish_later(const std::string& token) {
    const auto found = works_.find(token);
    if (found == works_.end()) {
        return;
    }
    auto timer = std::make_shared<boost::asio::steady_timer>(executor_, pause_before(found->second.tries));
    timer->async_wait([self = weak_from_this(), timer, token](const boost::system::error_code& error) {
        const auto worker = self.lock();
        if (!error && worker) {
            worker->publish(token);
        }
    });
}

void Worker::settle(const broker::PublishResult& result) {
    const auto found = sent_.find(result.tag);
    if (found == sent_.end()) {
        return;
    }
    const Sent sent = std::move(found->second);
    sent_.erase(found);
    const bool confirmed = result.status == broker::PublishStatus::confirmed;
    if (confirmed || runtime::planted("unconfirmed_answer_forgotten")) {
        runtime::crash_point("worker.outcome_confirmed");
        for (const std::string& token : sent.tokens)
            finish(token);
    } else {
        runtime::log_warn(
            "outcome not confirmed", {{"status", broker::to_text(result.status)},
                                      {"reason", result.reason},
                                      {"outcomes", sent.tokens.size()},
                                      {"tries", works_.at(sent.tokens.front()).tries}});
        for (const std::string& token : sent.tokens)
            publish_later(token);
    }
    if (sent.outbox.empty()) return;
    outboxes_[sent.outbox].under_way = false;
    empty_outbox(sent.outbox);
}

// Its outcome is at the broker.
void Worker::finish(const std::string& token) {
    const auto found = works_.find(token);
    const Work work = std::move(found->second);
    works_.erase(found);
    remember(token, work.outcome);
    for (const ArrivalRef& arrival : work.arrivals)
        release(arrival);
}

void Worker::release(const ArrivalRef& arrival) {
    if (--arrival->open == 0 || runtime::planted("message_acked_with_its_first")) {
        if (arrival->faulty) return refuse(*arrival);
        return ports_.ack(arrival->handle);
    }
    if (arrival->later.empty()) return;
    broker::Envelope next = std::move(arrival->later.front());
    arrival->later.pop_front();
    enlist(arrival, std::move(next));
}

void Worker::remember(const std::string& token, const broker::Message& outcome) {
    if (!known_.emplace(token, outcome).second) {
        return;
    }
    known_order_.push_back(token);
    known_bytes_ += outcome.body.size();
    while (known_bytes_ > most_known_bytes && !known_order_.empty()) {
        const auto oldest = known_.find(known_order_.front());
        known_bytes_ -= oldest->second.body.size();
        known_.erase(oldest);
        known_order_.pop_front();
    }
}

void Worker::count(const std::string& activity, const Outcome& outcome, double seconds) {
    metrics_
        .counter(
            "ordersaga_worker_outcomes_total", "Commands performed, by activity and kind of outcome",
            {{"activity", activity}, {"kind", std::string(sagas::name_of(outcome.kind))}})
        .add();
    metrics_
        .histogram(
            "ordersaga_worker_command_seconds", "From taking up a command to its outcome", runtime::latency_buckets(),
            {{"activity", activity}})
        .observe(seconds);
}

}  // namespace ordersaga::activities
