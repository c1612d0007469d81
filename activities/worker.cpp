#include "activities/worker.hpp"

#include "activities/command_runner.hpp"
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
#include <utility>

namespace ordersaga::activities {

using nlohmann::json;
using sagas::Outcome;

namespace {

constexpr std::size_t most_known_bytes = 8 * 1024 * 1024;

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
    std::string outcomes_exchange)
    : executor_(std::move(executor)),
      runner_(runner),
      random_(random),
      metrics_(metrics),
      exchange_(std::move(outcomes_exchange)) {}

void Worker::on_deliveries(std::vector<broker::Delivery> deliveries) {
    boost::asio::post(executor_, [self = shared_from_this(), batch = std::move(deliveries)]() mutable {
        for (broker::Delivery& delivery : batch) {
            self->take(std::move(delivery));
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

void Worker::take(broker::Delivery delivery) {
    runtime::Result<broker::Envelope> decoded = broker::decode(delivery.body);
    const bool is_command =
        decoded.ok() && decoded->kind == broker::EnvelopeKind::command && !decoded->reply_to.empty();
    if (!is_command) {
        const std::string why = decoded.ok() ? "not a command with a way to answer" : decoded.error().message;
        runtime::log_warn("message rejected", {{"queue", delivery.queue}, {"reason", why}});
        metrics_.counter("ordersaga_worker_rejected_total", "Messages sent to the dead letters").add();
        if (runtime::planted("dead_letter_dropped")) return ports_.ack(delivery.handle);
        ports_.reject(delivery.handle);
        return;
    }
    broker::Envelope command = std::move(decoded).value();
    const std::string token = command.attempt_token;
    if (const auto in_work = works_.find(token); in_work != works_.end()) {
        in_work->second.handles.push_back(delivery.handle);
        return;
    }
    Work& work = works_[token];
    work.handles.push_back(delivery.handle);
    if (const auto known = known_.find(token); known != known_.end()) {
        work.outcome = known->second;
        publish(token);
        return;
    }
    const bool seen_before = delivery.redelivered || delivery.delivery_count > 0;
    boost::asio::co_spawn(
        executor_, perform(token, std::move(command), seen_before),
        [self = shared_from_this()](const std::exception_ptr& error) {
            if (error) {
                runtime::log_error("a command broke the worker");
            }
        });
}

boost::asio::awaitable<void> Worker::perform(std::string token, broker::Envelope command, bool seen_before) {
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
    if (runtime::planted("command_acked_before_answer")) ports_.ack(work->second.handles.front());
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
    Work& work = found->second;
    tokens_.erase(work.tag);
    work.tag = next_tag_++;
    ++work.tries;
    broker::Message message = work.outcome;
    message.tag = work.tag;
    tokens_[work.tag] = token;
    if (!ports_.try_publish(std::move(message))) {
        tokens_.erase(work.tag);
        publish_later(token);
    }
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
    const auto tagged = tokens_.find(result.tag);
    if (tagged == tokens_.end()) {
        return;
    }
    const std::string token = tagged->second;
    tokens_.erase(tagged);
    const auto found = works_.find(token);
    if (found == works_.end()) {
        return;
    }
    if (result.status != broker::PublishStatus::confirmed && !runtime::planted("unconfirmed_answer_forgotten")) {
        runtime::log_warn(
            "outcome not confirmed",
            {{"status", broker::to_text(result.status)}, {"reason", result.reason}, {"tries", found->second.tries}});
        publish_later(token);
        return;
    }
    runtime::crash_point("worker.outcome_confirmed");
    for (const broker::DeliveryHandle& handle : found->second.handles) {
        ports_.ack(handle);
    }
    remember(token, found->second.outcome);
    works_.erase(found);
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
