// The loop between the command queues and the outcomes exchange.
//
// Purpose: a command is acked only after its outcome was confirmed, so a crash at any instant repeats the command and
// never loses its outcome. A command that is delivered again while it is in work is not run twice; one whose outcome is
// known is answered again.
// Thread: runs on one executor. on_deliveries and on_results may be called from any thread.
// Errors: a message that is no command goes to the dead letters.
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
        std::string outcomes_exchange);

    // Before the first delivery.
    void connect(WorkerPorts ports) { ports_ = std::move(ports); }

    void on_deliveries(std::vector<broker::Delivery> deliveries);
    void on_results(std::vector<broker::PublishResult> results);

    // On the executor: commands in work or waiting for their confirm.
    [[nodiscard]] std::size_t in_work() const { return works_.size(); }

private:
    struct Work {
        std::vector<broker::DeliveryHandle> handles;
        broker::Message outcome;
        bool write = false;
        int tries = 0;
        std::uint64_t tag = 0;
    };

    void take(broker::Delivery delivery);
    boost::asio::awaitable<void> perform(std::string token, broker::Envelope command, bool seen_before);
    void publish(const std::string& token);
    void publish_later(const std::string& token);
    void settle(const broker::PublishResult& result);
    void remember(const std::string& token, const broker::Message& outcome);
    [[nodiscard]] broker::Message message_of(const broker::Envelope& command, const sagas::Outcome& outcome);
    void count(const std::string& activity, const sagas::Outcome& outcome, double seconds);

    boost::asio::any_io_executor executor_;
    CommandRunner& runner_;
    runtime::Random& random_;
    runtime::Metrics& metrics_;
    std::string exchange_;
    WorkerPorts ports_;
    std::unordered_map<std::string, Work> works_;            // by attempt token
    std::unordered_map<std::uint64_t, std::string> tokens_;  // by publish tag
    std::uint64_t next_tag_ = 1;
    // Outcomes that were confirmed, for deliveries whose ack was lost. Bounded by bytes.
    std::unordered_map<std::string, broker::Message> known_;
    std::deque<std::string> known_order_;
    std::size_t known_bytes_ = 0;
};

}  // namespace ordersaga::activities
