#include "broker/ack_window.hpp"

#include "runtime/planted.hpp"

#include <algorithm>

namespace ordersaga::broker {

void AckWindow::delivered(std::uint64_t sequence) {
    entries_.push_back({sequence, true});
    ++open_;
}

AckWindow::Entry* AckWindow::find_open(std::uint64_t sequence) {
    const auto entry = std::lower_bound(
        entries_.begin(), entries_.end(), sequence, [](const Entry& e, std::uint64_t s) { return e.sequence < s; });
    if (entry == entries_.end() || entry->sequence != sequence || !entry->open) return nullptr;
    return &*entry;
}

std::vector<AckCommand> AckWindow::ack(std::vector<std::uint64_t> sequences) {
    std::sort(sequences.begin(), sequences.end());
    std::vector<std::uint64_t> fresh;
    for (const auto sequence : sequences) {
        if (Entry* entry = find_open(sequence)) {
            entry->open = false;
            --open_;
            fresh.push_back(sequence);
        }
    }
    if (fresh.empty()) return {};

    // Everything before the first delivery that is still open can go in one command.
    while (!entries_.empty() && !entries_.front().open)
        entries_.pop_front();
    const bool all = entries_.empty() || runtime::planted("open_deliveries_acked");
    const std::uint64_t first_open = all ? UINT64_MAX : entries_.front().sequence;
    const auto beyond = std::lower_bound(fresh.begin(), fresh.end(), first_open);

    std::vector<AckCommand> commands;
    if (beyond != fresh.begin()) commands.push_back({*(beyond - 1), beyond - fresh.begin() > 1});
    for (auto sequence = beyond; sequence != fresh.end(); ++sequence)
        commands.push_back({*sequence, false});
    return commands;
}

bool AckWindow::reject(std::uint64_t sequence) {
    Entry* entry = find_open(sequence);
    if (entry == nullptr) return false;
    entry->open = false;
    --open_;
    while (!entries_.empty() && !entries_.front().open)
        entries_.pop_front();
    return true;
}

}  // namespace ordersaga::broker
