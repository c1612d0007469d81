#include "tests/simulation/weather.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace ordersaga::simulation {

namespace {

// How much more or less often than usual a kind strikes in one run. Runs that lack some kinds go deeper into the others.
constexpr std::array<double, 6> factors{0, 0.5, 1, 1, 1.5, 3};

}  // namespace

void Trace::line(const std::string& text) {
    hash(text.data(), text.size());
    const Duration::rep now = agenda_.now().time_since_epoch().count();
    hash(reinterpret_cast<const char*>(&now), sizeof now);
    if (print_) std::printf("%s %s\n", runtime::format_rfc3339(agenda_.now()).c_str(), text.c_str());
}

void Trace::hash(const char* bytes, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        hash_ ^= static_cast<unsigned char>(bytes[i]);
        hash_ *= 1099511628211ULL;
    }
}

Weather::Weather(Agenda& agenda, const Options& options) : agenda_(agenda), random_(options.seed) {
    runtime::SeededRandom draw(options.seed ^ 0x77ea7be55ULL);
    for (std::size_t i = 0; i < fault_count; ++i) {
        const double factor = factors[draw.below(factors.size())];
        const double rate = fault_kinds[i].rate > 0 ? fault_kinds[i].rate * factor : 1;
        rates_[i] = options.lacks(fault_kinds[i].name) ? 0 : rate;
    }
    for (const Fault fault : {Fault::serialization_failure, Fault::connection_lost, Fault::engine_dies_in_transaction})
        any_at_call_ += rates_[static_cast<std::size_t>(fault)];
}

std::string Weather::text() const {
    std::string text;
    char entry[64];
    for (std::size_t i = 0; i < fault_count; ++i) {
        if (fault_kinds[i].rate > 0 && rates_[i] != fault_kinds[i].rate) {
            std::snprintf(entry, sizeof entry, " %s=%g", fault_kinds[i].name, rates_[i]);
            text += entry;
        }
    }
    return text;
}

bool Weather::happens(Fault fault) {
    if (calm_) return false;
    return random_.chance(rates_[static_cast<std::size_t>(fault)]) && count(fault);
}

bool Weather::strikes(Fault fault) {
    return knows(fault) && count(fault);
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
    if (away_until(peer) > agenda_.now()) return random_.chance(0.7) ? CallFate::unreachable : CallFate::unknown_lost;
    if (happens(Fault::throttled)) return CallFate::throttled;
    if (happens(Fault::unreachable)) return CallFate::unreachable;
    if (happens(Fault::applied_then_unknown)) return CallFate::unknown_applied;
    if (happens(Fault::lost_then_unknown)) return CallFate::unknown_lost;
    return CallFate::fine;
}

sim::SimFaults::AtCall Weather::at_call(const char* call) {
    if (calm_) return AtCall::fine;
    if (std::string_view(call) == "begin")
        return happens(Fault::no_connection) ? AtCall::serialization_failure : AtCall::fine;
    // One draw for all of them: this is asked more often than anything else.
    double drawn = random_.unit();
    if (drawn >= any_at_call_) return AtCall::fine;
    ++boundaries_[call];
    for (const Fault fault : {Fault::serialization_failure, Fault::connection_lost}) {
        drawn -= rates_[static_cast<std::size_t>(fault)];
        if (drawn < 0) {
            count(fault);
            return AtCall::serialization_failure;
        }
    }
    count(Fault::engine_dies_in_transaction);
    return AtCall::killed;
}

sim::SimFaults::AtCommit Weather::at_commit() {
    if (happens(Fault::commit_lost)) return AtCommit::lost;
    if (happens(Fault::in_doubt_applied)) return AtCommit::in_doubt_applied;
    if (happens(Fault::in_doubt_not_applied)) return AtCommit::in_doubt_not_applied;
    if (happens(Fault::engine_dies_before_commit)) return AtCommit::killed_before;
    if (happens(Fault::engine_dies_after_commit)) return AtCommit::killed_after;
    return AtCommit::fine;
}

}  // namespace ordersaga::simulation
