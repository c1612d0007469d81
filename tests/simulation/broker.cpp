#include "tests/simulation/broker.hpp"

namespace ordersaga::simulation {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Worker::Ports Broker::ports() {
    return {
        [this](const Sent& command, const sagas::Outcome& outcome) { answer(command, outcome); },
        [this](std::uint64_t delivery) { unacknowledged_.erase(delivery); },
        [this](int worker) {
            redeliver(worker);
        }};
}

void Broker::publish(EngineHost& host, const Sent& command) {
    trace_.line(
        "send " + command->activity + " " + command->idempotency_key + " attempt " + std::to_string(command->attempt));
    if (weather_.happens(Fault::message_lost)) return;
    // No queue takes it: it is handed back and counts as not published.
    if (weather_.happens(Fault::message_returned)) return;
    if (!weather_.happens(Fault::confirm_lost)) {
        agenda_.after(stall() + milliseconds(3), [this, &host, command, life = host.life(), cut = connection_] {
            if (cut == connection_) host.confirm(life, command->command_id, command->attempt_token);
        });
    }
    const Duration most = weather_.happens(Fault::message_late) ? Duration(seconds(15)) : Duration(milliseconds(50));
    agenda_.after(stall() + weather_.between(milliseconds(1), most), [this, command] { bring(command, false); });
    if (weather_.happens(Fault::message_twice)) {
        agenda_.after(
            stall() + weather_.between(milliseconds(5), seconds(10)), [this, command] { bring(command, true); });
    }
    if (weather_.happens(Fault::message_very_late)) {
        agenda_.after(weather_.between(minutes(1), minutes(12)), [this, command] { bring(command, true); });
    }
}

void Broker::bring(const Sent& command, bool seen_before) {
    const std::size_t first = weather_.random().below(workers_.size());
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        const std::size_t number = (first + i) % workers_.size();
        if (!workers_[number]->alive()) continue;
        const std::uint64_t delivery = ++deliveries_;
        unacknowledged_[delivery] = {command, static_cast<int>(number)};
        return workers_[number]->perform(delivery, command, seen_before);
    }
    agenda_.after(milliseconds(500), [this, command, seen_before] { bring(command, seen_before); });
}

void Broker::redeliver(int worker) {
    for (auto delivery = unacknowledged_.begin(); delivery != unacknowledged_.end();) {
        if (delivery->second.worker != worker) {
            ++delivery;
            continue;
        }
        agenda_.after(weather_.between(milliseconds(100), seconds(3)), [this, command = delivery->second.command] {
            bring(command, true);
        });
        delivery = unacknowledged_.erase(delivery);
    }
}

void Broker::cut_connections() {
    trace_.line("the broker loses its connections");
    ++connection_;
    for (std::size_t worker = 0; worker < workers_.size(); ++worker)
        redeliver(static_cast<int>(worker));
}

void Broker::answer(const Sent& command, const sagas::Outcome& outcome) {
    if (weather_.happens(Fault::message_lost)) return;
    const auto written = std::make_shared<const sagas::Outcome>(outcome);
    const auto bring_after = [&](Duration delay) {
        agenda_.after(delay, [this, command, written] { bring_outcome(command, written); });
    };
    const int copies = weather_.happens(Fault::message_twice) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
        const Duration most =
            weather_.happens(Fault::message_late) ? Duration(seconds(25)) : Duration(milliseconds(50));
        bring_after(stall() + weather_.between(milliseconds(1), most));
    }
    if (weather_.happens(Fault::message_very_late)) bring_after(weather_.between(minutes(1), minutes(12)));
}

void Broker::bring_outcome(const Sent& command, const std::shared_ptr<const sagas::Outcome>& outcome) {
    const auto again = [this, command, outcome] {
        agenda_.after(milliseconds(300), [this, command, outcome] { bring_outcome(command, outcome); });
    };
    Message message;
    message.input = [command, outcome](Instant) {
        engine::Input input;
        input.content = engine::OutcomeArrived{
            command->merchant, command->saga_id, command->command_id, command->attempt_token, *outcome};
        return input;
    };
    message.settled = [again](bool settled) {
        if (!settled) again();
    };
    if (!any_host().take(std::move(message))) again();
}

}  // namespace ordersaga::simulation
