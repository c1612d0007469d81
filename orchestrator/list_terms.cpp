#include "orchestrator/list_terms.hpp"

#include "runtime/planted.hpp"

#include <utility>

namespace ordersaga {

void ListTerms::serves(std::vector<int> shards) {
    const std::lock_guard lock(mutex_);
    shards_ = std::move(shards);
}

std::optional<int> ListTerms::reply_shard() {
    const std::lock_guard lock(mutex_);
    if (!options_.wanted || shards_.empty()) return std::nullopt;
    return shards_[turn_++ % shards_.size()];
}

void ListTerms::answered(const std::string& family, bool reads_lists, Time now) {
    const std::lock_guard lock(mutex_);
    Family& known = families_[family];
    if (!reads_lists) {
        known.last_other = now;
    } else if (!known.first_reader) {
        known.first_reader = now;
    }
}

bool ListTerms::workers_read_lists(const std::string& family, Time now) const {
    const std::lock_guard lock(mutex_);
    const auto known = families_.find(family);
    if (!options_.wanted || known == families_.end() || !known->second.first_reader) return false;
    const bool other = known->second.last_other && now < *known->second.last_other + options_.remembered;
    if (other && !runtime::planted("list_sent_to_all")) return false;
    return now >= *known->second.first_reader + options_.first_look;
}

}  // namespace ordersaga
