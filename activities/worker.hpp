// The loop between the command queues and the outcomes exchange.
//
// Purpose: a command is acked only after its outcome was confirmed, so a crash at any instant repeats the command and
// never loses its outcome. A command that is delivered again while it is in work is not run twice; one whose outcome is
// known is answered again. Several commands may share a message, which is acked when the last of them is answered; outcomes
// for one shard that are ready while a message for it waits for its confirm go together in the next.
// Thread: runs on one executor. on_deliveries and on_results may be called from any thread.
// Errors: a message that is no command goes to the dead letters, and one that holds something else beside commands does when
// those are answered. Commands of which some worker may have died are taken one after another, beginning with another one
// each time, so that each is answered before the message is given up.
#pragma once

#include "broker/consumer.hpp"
#include "broker/envelope.hpp"
#include "broker/publisher.hpp"
#include "runtime/metrics.hpp"
#include "sagas/outcome.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace ordersaga::runtime {
class Random;
}

namespace ordersaga::activities {

class CommandRunner;

// Where deliveries are settled and outcomes leave; the broker in the program, lists in the tests.
struct WorkerPorts {
    std::function<void(broker::DeliveryHandle)> ack;
    std::function<void(broker::DeliveryHandle)> reject;  // to the dead letters
    std::function<bool(broker::Message)> try_publish;    // false: no room now
};

class Worker : public std::enable_shared_from_this<Worker> {
public:
    Worker(
        boost::asio::any_io_executor executor,
        CommandRunner& runner,
        runtime::Random& random,
        runtime::Metrics& metrics,
        std::string outcomes_exchange,
        std::size_t concurrency = 64);  // commands in work per queue

    // Before the first delivery.
    void connect(WorkerPorts ports) { ports_ = std::move(ports); }

    void on_deliveries(std::vector<broker::Delivery> deliveries);
    void on_results(std::vector<broker::PublishResult> results);

    // On the executor: commands taken, in work, or waiting for their confirm.
    [[nodiscard]] std::size_t in_work() const { return works_.size(); }

private:
    // One delivered message; settled when nothing of it is open.
    struct Arrival {
        broker::DeliveryHandle handle;
        std::string queue;
        bool seen_before = false;
        bool faulty = false;  // a part of it is no command
        std::size_t open = 0;
        std::deque<broker::Envelope> later;  // one after another
    };
    using ArrivalRef = std::shared_ptr<Arrival>;
    struct Work {
        std::vector<ArrivalRef> arrivals;
        broker::Message outcome;
        bool listed = false;  // who reads the outcome reads lists
        int tries = 0;
    };
    struct Waiting {
        broker::Envelope command;
        bool seen_before = false;
    };
    // One queue's commands.
    struct Lane {
        std::deque<Waiting> waiting;
        std::size_t running = 0;
    };
    // One shard's outcomes, by the tokens of their attempts.
    struct Outbox {
        std::deque<std::string> waiting;
        bool under_way = false;  // one message at a time
        bool due = false;        // it will be looked into
    };
    struct Sent {
        std::vector<std::string> tokens;
        std::string outbox;  // empty: it has none
    };

    void take(const broker::Delivery& delivery);
    void refuse(const Arrival& arrival);
    void enlist(const ArrivalRef& arrival, broker::Envelope command);
    void start_waiting(const std::string& queue);
    boost::asio::awaitable<void> perform(broker::Envelope command, bool seen_before);
    void publish(const std::string& token);
    void publish_later(const std::string& token);
    void empty_outbox(const std::string& shard);
    void send(Sent sent);
    void settle(const broker::PublishResult& result);
    void finish(const std::string& token);
    void release(const ArrivalRef& arrival);
    void remember(const std::string& token, const broker::Message& outcome);
    [[nodiscard]] broker::Message message_of(const broker::Envelope& command, const sagas::Outcome& outcome);
    void count(const std::string& activity, const sagas::Outcome& outcome, double seconds);

    boost::asio::any_io_executor executor_;
    CommandRunner& runner_;
    runtime::Random& random_;
    runtime::Metrics& metrics_;
    std::string exchange_;
    std::size_t concurrency_;
    WorkerPorts ports_;
    std::unordered_map<std::string, Work> works_;   // by attempt token
    std::map<std::string, Lane> lanes_;             // by queue
    std::map<std::string, Outbox> outboxes_;        // by routing key
    std::unordered_map<std::uint64_t, Sent> sent_;  // by publish tag
    std::uint64_t next_tag_ = 1;
    // Outcomes that were confirmed, for deliveries whose ack was lost. Bounded by bytes.
    std::unordered_map<std::string, broker::Message> known_;
    std::deque<std::string> known_order_;
    std::size_t known_bytes_ = 0;
};

}  // namespace ordersaga::activities
