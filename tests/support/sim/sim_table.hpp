// A table with transaction rules: a map whose every change is noted in a journal, so that it can be taken back.
#pragma once

#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace ordersaga::sim {

// How to take back what the open transaction did, in reverse order.
class Journal {
public:
    void note(std::function<void()> undo) { undos_.push_back(std::move(undo)); }
    void roll_back() {
        for (auto undo = undos_.rbegin(); undo != undos_.rend(); ++undo)
            (*undo)();
        undos_.clear();
    }
    void commit() { undos_.clear(); }

private:
    std::vector<std::function<void()>> undos_;
};

template <class Key, class Row>
class SimTable {
public:
    explicit SimTable(Journal& journal) : journal_(journal) {}

    const std::map<Key, Row>& rows() const { return rows_; }
    std::size_t size() const { return rows_.size(); }
    auto begin() const { return rows_.begin(); }
    auto end() const { return rows_.end(); }
    bool has(const Key& key) const { return rows_.count(key) > 0; }
    const Row* find(const Key& key) const {
        const auto found = rows_.find(key);
        return found == rows_.end() ? nullptr : &found->second;
    }
    const Row& at(const Key& key) const { return rows_.at(key); }

    void put(const Key& key, Row row) {
        const auto found = rows_.find(key);
        if (found == rows_.end()) {
            rows_.emplace(key, std::move(row));
            journal_.note([this, key] { rows_.erase(key); });
            return;
        }
        journal_.note([this, key, old = std::move(found->second)]() mutable { rows_.at(key) = std::move(old); });
        found->second = std::move(row);
    }
    void erase(const Key& key) {
        const auto found = rows_.find(key);
        if (found == rows_.end()) return;
        journal_.note([this, key, old = std::move(found->second)]() mutable { rows_.emplace(key, std::move(old)); });
        rows_.erase(found);
    }

private:
    Journal& journal_;
    std::map<Key, Row> rows_;
};

}  // namespace ordersaga::sim
