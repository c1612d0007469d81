#include "sandbox/ledger.hpp"

#include <algorithm>
#include <utility>

namespace ordersaga::sandbox {

void Ledger::record(Effect effect) {
    effect.number = static_cast<std::int64_t>(effects_.size()) + 1;
    effects_.push_back(std::move(effect));
}

void Ledger::count_call(const std::string& peer, const std::string& operation, bool is_write, bool refused) {
    CallCount& count = calls_[peer][operation];
    ++count.received;
    count.refused += refused ? 1 : 0;
    count.is_write = is_write;
}

void Ledger::clear() {
    effects_.clear();
    calls_.clear();
}

std::vector<Effect> Ledger::after(std::int64_t after, std::size_t limit) const {
    const auto total = effects_.size();
    const std::size_t begin = after <= 0 ? 0 : std::min(static_cast<std::size_t>(after), total);
    const std::size_t end = begin + std::min(limit, total - begin);
    return {effects_.begin() + static_cast<std::ptrdiff_t>(begin), effects_.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace ordersaga::sandbox
