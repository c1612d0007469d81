#include "tests/simulation/weather.hpp"

#include <algorithm>
#include <cstdio>

namespace ordersaga::simulation {

void Trace::line(const std::string& text) {
    const std::string entry = runtime::format_rfc3339(agenda_.now()) + " " + text;
    for (const char letter : entry) {
        hash_ ^= static_cast<unsigned char>(letter);
        hash_ *= 1099511628211ULL;
    }
    if (print_) std::printf("%s\n", entry.c_str());
}

Duration Weather::between(Duration least, Duration most) {
    const auto span = static_cast<std::uint64_t>((most - least).count() + 1);
    return least + Duration(static_cast<Duration::rep>(random_.below(span)));
}

Instant Weather::away_until(const std::string& peer) {
    const Instant now = agenda_.now();
    Instant until = now;
    for (const auto& [from, end] : outages_[peer]) {
        if (from <= now && now < end) until = std::max(until, end);
    }
    return until;
}

CallFate Weather::fate_of_call(const std::string& peer) {
    if (calm_) return CallFate::fine;
    if (away_until(peer) > agenda_.now()) {
        return random_.chance(0.7) ? count("outage", CallFate::unreachable) : count("outage", CallFate::unknown_lost);
    }
    const double drawn = random_.unit();
    double limit = rates_.throttled;
    if (drawn < limit) return count("throttled", CallFate::throttled);
    limit += rates_.unreachable;
    if (drawn < limit) return count("unreachable", CallFate::unreachable);
    limit += rates_.unknown;
    if (drawn < limit) {
        return random_.chance(rates_.applied_when_unknown) ? count("applied then unknown", CallFate::unknown_applied)
                                                           : count("lost then unknown", CallFate::unknown_lost);
    }
    limit += rates_.refused;
    return drawn < limit ? count("refused", CallFate::refused) : CallFate::fine;
}

sim::SimFaults::AtCall Weather::at_call(const std::string&) {
    if (!happens(&FaultRates::serialization_failure)) return AtCall::fine;
    ++counts_["serialization failure"];
    return AtCall::serialization_failure;
}

sim::SimFaults::AtCommit Weather::at_commit() {
    if (happens(&FaultRates::commit_lost)) {
        ++counts_["commit lost"];
        return AtCommit::lost;
    }
    if (happens(&FaultRates::commit_in_doubt)) {
        ++counts_["commit in doubt"];
        return random_.chance(0.5) ? AtCommit::in_doubt_applied : AtCommit::in_doubt_not_applied;
    }
    if (happens(&FaultRates::killed)) {
        ++counts_["killed at commit"];
        return random_.chance(0.5) ? AtCommit::killed_before : AtCommit::killed_after;
    }
    return AtCommit::fine;
}

}  // namespace ordersaga::simulation
