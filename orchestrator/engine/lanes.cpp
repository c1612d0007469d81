#include "orchestrator/engine/lanes.hpp"

#include "orchestrator/engine/attempts.hpp"
#include "runtime/planted.hpp"

#include <algorithm>
#include <cmath>

namespace ordersaga::engine {
namespace {

constexpr int probing_window = 1;
constexpr int doublings_limit = 16;

double floor_for(const LaneRow& lane, const CommandRow& command, const LaneRules& rules) {
    if (command.priority < 2) return 0;
    // A command dearer than the rest of the bucket must still be able to leave one day.
    return std::min(rules.creates_leave_free * lane.capacity, std::max(0.0, lane.capacity - command.tokens));
}

void open_breaker(LaneRow& lane, const LaneRules& rules, Instant now, const std::string& reason) {
    int times = std::clamp(lane.failures - rules.breaker_failures, 0, doublings_limit);
    Duration pause = std::min(rules.breaker_cooldown * (1 << times), rules.breaker_cooldown_cap);
    lane.breaker = "open";
    if (!lane.opened_at) lane.opened_at = now;
    lane.reason = reason;
    lane.not_before = std::max(lane.not_before, now + pause);
}

void close_breaker(LaneRow& lane) {
    lane.breaker = "closed";
    lane.failures = 0;
    lane.opened_at.reset();
    lane.reason.clear();
}

}  // namespace

std::vector<CommandRow*> in_turn(std::vector<CommandRow*> commands, const std::string& served_last) {
    const auto line_of = [&](const CommandRow* command) {
        return std::tuple(command->priority, command->origin <= served_last, std::string_view(command->origin));
    };
    std::sort(commands.begin(), commands.end(), [&](const CommandRow* left, const CommandRow* right) {
        return std::tuple(line_of(left), left->due_at, std::string_view(left->command_id)) <
               std::tuple(line_of(right), right->due_at, std::string_view(right->command_id));
    });
    // How many of its own line go before each: of one priority all first ones leave, then all second ones.
    std::vector<std::pair<std::size_t, CommandRow*>> turns;
    turns.reserve(commands.size());
    for (CommandRow* command : commands) {
        const bool same = !turns.empty() && line_of(turns.back().second) == line_of(command);
        turns.emplace_back(same ? turns.back().first + 1 : 0, command);
    }
    std::stable_sort(turns.begin(), turns.end(), [](const auto& left, const auto& right) {
        return std::tuple(left.second->priority, left.first) < std::tuple(right.second->priority, right.first);
    });
    std::transform(turns.begin(), turns.end(), commands.begin(), [](const auto& turn) { return turn.second; });
    return commands;
}

void refill(LaneRow& lane, Instant now) {
    if (now <= lane.refilled_at) return;
    double seconds = std::chrono::duration<double>(now - lane.refilled_at).count();
    lane.tokens = std::min(lane.capacity, lane.tokens + seconds * lane.per_second);
    lane.refilled_at = now;
}

void learn(LaneRow& lane, const sagas::Outcome& outcome, const LaneRules& rules, Instant now) {
    using sagas::OutcomeKind;
    refill(lane, now);
    if (outcome.tokens_capacity && *outcome.tokens_capacity > 0) lane.capacity = *outcome.tokens_capacity;
    if (outcome.tokens_per_second && *outcome.tokens_per_second > 0) lane.per_second = *outcome.tokens_per_second;
    if (outcome.tokens_left) lane.tokens = std::clamp(*outcome.tokens_left, 0.0, std::min(lane.tokens, lane.capacity));
    switch (outcome.kind) {
        case OutcomeKind::done:
        case OutcomeKind::refused:
        case OutcomeKind::too_late: close_breaker(lane); break;
        case OutcomeKind::throttled: {
            // The peer answers, so the breaker has nothing to say; but the whole lane waits as long as it was told.
            Duration pause = outcome.retry_after ? Duration(*outcome.retry_after) : throttled_pause;
            lane.not_before = std::max(lane.not_before, now + std::min(pause, throttled_cap));
            close_breaker(lane);
            break;
        }
        case OutcomeKind::blocked:
            // What had left before that was known says nothing new.
            if (lane.breaker != "open" || now >= lane.not_before) {
                lane.failures += 1;
                lane.not_before = std::max(lane.not_before, now + blocked_pause(lane.failures));
            }
            lane.breaker = "open";
            if (!lane.opened_at) lane.opened_at = now;
            lane.reason = outcome.reason;
            break;
        case OutcomeKind::retryable:
        case OutcomeKind::unknown:
            lane.failures += 1;
            if (runtime::planted("breaker_off")) break;
            if (lane.breaker != "closed" || lane.failures >= rules.breaker_failures) {
                open_breaker(lane, rules, now, outcome.reason);
            }
            break;
    }
}

int free_slots(LaneRow& lane, Instant now) {
    if (now < lane.not_before) return 0;
    if (lane.breaker == "open") lane.breaker = "probing";
    int window = lane.breaker == "probing" ? probing_window : lane.window;
    return std::max(0, window - lane.in_flight);
}

bool admit(LaneRow& lane, const CommandRow& command, const LaneRules& rules) {
    if (lane.tokens - command.tokens < floor_for(lane, command, rules)) return false;
    lane.tokens -= command.tokens;
    lane.in_flight += 1;
    return true;
}

Instant admits_at(const LaneRow& lane, const CommandRow& command, const LaneRules& rules, Instant now) {
    double missing = floor_for(lane, command, rules) + command.tokens - lane.tokens;
    if (missing <= 0) return now;
    if (lane.per_second <= 0) return now + std::chrono::seconds(1);
    auto wait = Duration(static_cast<Duration::rep>(std::ceil(missing / lane.per_second * 1e6)));
    return now + std::min(wait, Duration(std::chrono::minutes(1)));
}

}  // namespace ordersaga::engine
