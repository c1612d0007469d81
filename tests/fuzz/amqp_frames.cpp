// What a broker may send to our end of AMQP, over loopback, after a log-in that went well (or in its place): each frame becomes a
// value within its limits or ends the connection.
//
// The input is a list of frames: kind, channel, length in two bytes, payload; the target writes the rest of a frame around them.
// Its first byte says what we ask before we read (1: a channel, a queue and a consumer), and (2) that the rest is sent as it is.
// The library's own decoder is the distribution's and tells nothing of its branches.
#include "broker/connection.hpp"
#include "tests/fuzz/loopback_link.hpp"
#include "tests/fuzz/target.hpp"

#include <poll.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace ordersaga::fuzz {
namespace {

using broker::Arrival;
using broker::Connection;

constexpr std::size_t body_limit = 40;

std::string number(std::uint64_t value, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i)
        text.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    return text;
}

std::string frame(char kind, std::uint16_t channel, std::string_view payload) {
    return std::string(1, kind) + number(channel, 2) + number(payload.size(), 4) + std::string(payload) + "\xce";
}

std::string method(std::uint16_t class_id, std::uint16_t id, const std::string& arguments) {
    return frame(1, 0, number(class_id, 2) + number(id, 2) + arguments);
}

// start, tune and open-ok, as a broker answers them.
const std::string& log_in() {
    static const std::string bytes =
        method(10, 10, std::string("\0\x09", 2) + number(0, 4) + number(5, 4) + "PLAIN" + number(5, 4) + "en_US") +
        method(10, 30, number(2047, 2) + number(131'072, 4) + number(0, 2)) + method(10, 41, std::string(1, '\0'));
    return bytes;
}

std::string frames_of(std::string_view input) {
    std::string bytes;
    while (input.size() >= 4) {
        const auto byte = [&](std::size_t i) {
            return static_cast<std::size_t>(static_cast<unsigned char>(input[i]));
        };
        const std::size_t length = std::min(byte(2) << 8 | byte(3), input.size() - 4);
        bytes += frame(input[0], static_cast<std::uint16_t>(byte(1)), input.substr(4, length));
        input.remove_prefix(4 + length);
    }
    return bytes;
}

// Accepts one client after the other and says everything at once. A thread of its own: the client waits while it logs in.
class Broker {
public:
    Broker() : thread_([this] { serve(); }) {}
    ~Broker() {
        stopping_ = true;
        ::shutdown(listener_.socket(), SHUT_RDWR);
        thread_.join();
    }
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;

    std::uint16_t port() const { return listener_.port(); }
    void will_say(std::string bytes) {
        const std::lock_guard lock(mutex_);
        bytes_ = std::move(bytes);
    }

private:
    void serve() {
        while (!stopping_) {
            const int accepted = ::accept4(listener_.socket(), nullptr, nullptr, SOCK_CLOEXEC);
            if (accepted < 0) continue;
            LoopbackLink link{LoopbackLink::Accepted{accepted}};
            {
                const std::lock_guard lock(mutex_);
                link.send(bytes_);
            }
            link.finish();
            // Until the client has gone: else it would see a reset instead of what was said.
            std::string heard;
            pollfd descriptor{accepted, POLLIN, 0};
            while (!link.receive(heard))
                ::poll(&descriptor, 1, 1'000);
        }
    }

    LoopbackListener listener_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::string bytes_;  // guarded by mutex_
    std::thread thread_;
};

struct Check {
    void operator()(const broker::ConfirmArrived&) const {}
    void operator()(const broker::ReturnArrived& returned) const {
        HOLDS(!has_control(returned.reason) && returned.reason.size() < 2'000 && returned.message_id.size() <= 255);
    }
    void operator()(const broker::DeliveryArrived& arrived) const {
        HOLDS(arrived.delivery.body.size() <= body_limit);
        HOLDS(!arrived.oversize || arrived.delivery.body.empty());
        HOLDS(arrived.delivery.routing_key.size() <= 255 && arrived.delivery.message_id.size() <= 255);
    }
    void operator()(const broker::ConsumerCancelled&) const {}
    void operator()(const broker::ChannelClosed& closed) const {
        HOLDS(!has_control(closed.reason) && closed.reason.size() < 600);
    }
    void operator()(const broker::PublishingBlocked& blocked) const {
        HOLDS(!has_control(blocked.reason) && blocked.reason.size() <= 500);
    }
    void operator()(const broker::PublishingUnblocked&) const {}
};

template <class Value>
void check_answer(const runtime::Result<Value>& answer) {
    HOLDS(answer || (answer.error().message.starts_with("broker") && !has_control(answer.error().message)));
}

void read_to_the_end(Connection& connection) {
    std::vector<Arrival> arrivals;
    for (;;) {
        arrivals.clear();
        const auto read = connection.read(arrivals, 64);
        HOLDS(arrivals.size() <= 65);
        for (const Arrival& arrival : arrivals)
            std::visit(Check{}, arrival);
        check_answer(read);
        if (!read) return;
        pollfd descriptor{connection.socket(), POLLIN, 0};
        if (read->drained) ::poll(&descriptor, 1, 1'000);
    }
}

}  // namespace

void one_input(std::string_view input) {
    static Broker broker;
    if (input.empty()) return;
    const bool asks = (input[0] & 1) != 0;
    const bool raw = (input[0] & 2) != 0;
    const bool logs_in = (input[0] & 4) == 0;
    input.remove_prefix(1);
    broker.will_say((logs_in ? log_in() : "") + (raw ? std::string(input) : frames_of(input)));

    broker::Address address;
    address.host = "127.0.0.1";
    address.port = broker.port();
    address.user = address.password = "somebody";
    broker::ConnectionOptions options;
    options.name = "fuzz";
    options.body_limit = body_limit;
    Connection connection(address, options);
    const auto opened = connection.open();
    check_answer(opened);
    HOLDS(opened.ok() == connection.alive());
    if (!opened) return;
    if (asks) {
        check_answer(connection.open_channel(1));
        if (connection.alive()) check_answer(connection.look_at_queue(1, "q"));
        if (connection.alive()) check_answer(connection.consume(1, "q"));
        if (!connection.alive()) return;
    }
    read_to_the_end(connection);
    HOLDS(!connection.alive());
}

}  // namespace ordersaga::fuzz
