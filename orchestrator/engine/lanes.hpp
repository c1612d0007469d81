// A lane is one credential's budget at a peer: tokens, a not-before instant, a window of attempts in flight, a breaker.
// A command leaves only when its lane admits it; while the breaker is open nothing burns attempts. Pure.
#pragma once

#include "orchestrator/engine/store.hpp"
#include "sagas/outcome.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ordersaga::engine {

struct LaneRules {
    Duration breaker_cooldown = std::chrono::seconds(1);
    Duration breaker_cooldown_cap = std::chrono::seconds(30);
    int breaker_failures = 5;
    double creates_leave_free = 0.2;
};

// The sequence in which commands leave their lane: by priority; of one priority an origin after the other, each with what is
// due first, behind the origin that was served last.
std::vector<CommandRow*> in_turn(std::vector<CommandRow*> commands, const std::string& served_last);

// What an attempt's outcome tells about the peer.
void learn(LaneRow& lane, const sagas::Outcome& outcome, const LaneRules& rules, Instant now);

void refill(LaneRow& lane, Instant now);

// How many attempts may leave now, tokens aside.
int free_slots(LaneRow& lane, Instant now);

// Takes the tokens of one attempt; false: not now. Commands of priority 2 and more leave a share of the budget free.
bool admit(LaneRow& lane, const CommandRow& command, const LaneRules& rules);

// When a command refused by admit() would be admitted, if nothing else happens.
Instant admits_at(const LaneRow& lane, const CommandRow& command, const LaneRules& rules, Instant now);

}  // namespace ordersaga::engine
