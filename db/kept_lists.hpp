// What lists and counters are read from (saga_list.hpp), kept along with the rows themselves: the words that an order is found by,
// and how many sagas have ended. The engine writes rows that it has read before, so it knows what to add and to take away, and does
// so for a whole batch at once. Where it does not know, and for everybody else, triggers do the same (migration 18).
//
// Belongs to one transaction and its thread; may throw DatabaseError.
#pragma once

#include "db/connection.hpp"
#include "db/session.hpp"
#include "orchestrator/engine/store.hpp"
#include "orchestrator/orders/rows.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::db {

// As the function words_of of the database; none without a saga.
std::set<std::string> words_of(const orders::OrderRow& order);

class KeptLists {
public:
    // As the row is stored, and locked.
    void read(const engine::SagaRow& saga) { ended_[saga.key] = saga.final ? saga.state : std::string(); }
    void read(const orders::OrderRow& order) { found_by_[order.key] = {order.saga_id, words_of(order)}; }

    // What follows from these rows, which are written next. The answer goes into the statement that writes them, as
    // lists_are_kept: the triggers do nothing when it says yes.
    std::string keep(Transaction& transaction, const std::vector<orders::OrderRow>& orders);
    std::string keep(Transaction& transaction, const std::vector<engine::SagaRow>& new_sagas);
    std::string keep_changed(Transaction& transaction, const std::vector<engine::SagaRow>& sagas);

private:
    struct FoundBy {
        sagas::SagaId saga_id;
        std::set<std::string> words;
    };
    using Counts = std::map<std::pair<sagas::MerchantId, std::string>, std::int64_t>;
    void count(Transaction& transaction, const Counts& counts);

    std::map<engine::SagaKey, std::string> ended_;  // the state; empty while it has not
    std::map<orders::OrderKey, FoundBy> found_by_;
};

// Adds up the counts that transactions have left. Safe to repeat and from several programs at once; nobody waits for it.
void add_up_ended(Session& session);

}  // namespace ordersaga::db
