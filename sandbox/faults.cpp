#include "sandbox/faults.hpp"

#include <array>
#include <utility>

namespace ordersaga::sandbox {

std::string name_of(FaultKind kind) {
    switch (kind) {
        case FaultKind::none: return "none";
        case FaultKind::throttled: return "throttled";
        case FaultKind::error_before: return "error_before";
        case FaultKind::error_after: return "error_after";
        case FaultKind::slow: return "slow";
        case FaultKind::timeout_after: return "timeout_after";
        case FaultKind::reset_before: return "reset_before";
        case FaultKind::reset_after: return "reset_after";
        case FaultKind::garbage: return "garbage";
        case FaultKind::turned_away: return "turned_away";
        case FaultKind::error_inside: return "error_inside";
        case FaultKind::outage: return "outage";
    }
    return "none";
}

FaultRates FaultDial::rates(const std::string& peer_kind) const {
    const auto found = rates_.find(peer_kind);
    return found == rates_.end() ? FaultRates{} : found->second;
}

void FaultDial::begin_outage(const std::string& peer_kind, runtime::Instant until, bool answers_503) {
    outages_[peer_kind] = Outage{until, answers_503};
    ++injected_[peer_kind]["outages_begun"];
}

bool FaultDial::is_out(const std::string& peer_kind, runtime::Instant now) const {
    const auto found = outages_.find(peer_kind);
    return found != outages_.end() && now < found->second.until;
}

bool FaultDial::outage_answers_503(const std::string& peer_kind) const {
    const auto found = outages_.find(peer_kind);
    return found != outages_.end() && found->second.answers_503;
}

FaultKind FaultDial::draw(const std::string& peer_kind, runtime::Instant now) {
    // Drawn also when it is not needed: the sequence of one seed must not depend on the length of an outage.
    double point = random_.unit();
    if (is_out(peer_kind, now)) {
        ++injected_[peer_kind][name_of(FaultKind::outage)];
        return FaultKind::outage;
    }
    const FaultRates wanted = rates(peer_kind);
    const std::array<std::pair<FaultKind, double>, 10> table{{
        {FaultKind::throttled, wanted.throttled},
        {FaultKind::error_before, wanted.error_before},
        {FaultKind::error_after, wanted.error_after},
        {FaultKind::slow, wanted.slow},
        {FaultKind::timeout_after, wanted.timeout_after},
        {FaultKind::reset_before, wanted.reset_before},
        {FaultKind::reset_after, wanted.reset_after},
        {FaultKind::garbage, wanted.garbage},
        {FaultKind::turned_away, wanted.turned_away},
        {FaultKind::error_inside, wanted.error_inside},
    }};
    for (const auto& [kind, rate] : table) {
        if (point < rate) {
            ++injected_[peer_kind][name_of(kind)];
            return kind;
        }
        point -= rate;
    }
    return FaultKind::none;
}

}  // namespace ordersaga::sandbox
