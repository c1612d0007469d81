// What waits for a batch, in lines: what ends work that has begun comes first, then one of each line in turn. So a store that
// sends a thousand orders a second waits behind its own, and the others do not.
//
// Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga {

template <class Item>
class FairQueue {
public:
    // An empty `line`: before all others.
    void push(const std::string& line, Item item) {
        if (line.empty()) {
            first_.push_back(std::move(item));
        } else {
            lines_[line].push_back(std::move(item));
        }
        size_ += 1;
    }

    // Given back: before everything, in the sequence of `items`.
    void put_back(std::vector<Item> items) {
        size_ += items.size();
        first_.insert(first_.begin(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
    }

    std::vector<Item> take(std::size_t limit) {
        std::vector<Item> taken;
        taken.reserve(std::min(limit, size_));
        for (; !first_.empty() && taken.size() < limit; first_.pop_front())
            taken.push_back(std::move(first_.front()));
        // Goes on behind the line that was served last, or those with the first names would be served most.
        auto line = lines_.upper_bound(served_last_);
        while (!lines_.empty() && taken.size() < limit) {
            if (line == lines_.end()) line = lines_.begin();
            served_last_ = line->first;
            taken.push_back(std::move(line->second.front()));
            line->second.pop_front();
            line = line->second.empty() ? lines_.erase(line) : std::next(line);
        }
        size_ -= taken.size();
        return taken;
    }

    // Takes out what `wanted` says yes to.
    template <class Wanted>
    std::vector<Item> take_if(const Wanted& wanted) {
        std::vector<Item> taken;
        const auto from = [&](std::deque<Item>& items) {
            for (auto item = items.begin(); item != items.end();) {
                if (!wanted(*item)) {
                    ++item;
                    continue;
                }
                taken.push_back(std::move(*item));
                item = items.erase(item);
            }
        };
        from(first_);
        for (auto line = lines_.begin(); line != lines_.end();) {
            from(line->second);
            line = line->second.empty() ? lines_.erase(line) : std::next(line);
        }
        size_ -= taken.size();
        return taken;
    }

    // Whether one more may join this line while there is room for `limit` in all. A line may become as long as what is left for
    // others: alone it takes half, two take a third each, and who comes next still finds room.
    bool may_grow(const std::string& line, std::size_t limit) const {
        if (size_ >= limit) return false;
        const auto found = lines_.find(line);
        return found == lines_.end() || found->second.size() < limit - size_;
    }

    // How many will be taken before one that joins this line now.
    std::size_t ahead_of(const std::string& line) const {
        const auto found = lines_.find(line);
        const std::size_t own = found == lines_.end() ? 0 : found->second.size();
        std::size_t ahead = first_.size();
        for (const auto& [name, items] : lines_)
            ahead += name == line ? own : std::min(items.size(), own + 1);
        return ahead;
    }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

private:
    std::deque<Item> first_;
    std::map<std::string, std::deque<Item>> lines_;  // none of them empty
    std::string served_last_;
    std::size_t size_ = 0;
};

}  // namespace ordersaga
