// What the notifier still has to tell and what it has told: one row per event and target, which is how a repeated event
// is recognised. Each function is a transaction of its own on `session`; one thread per session. Throws DatabaseError.
#pragma once

#include "db/session.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::db {

struct NewNotice {
    std::int64_t merchant = 0;
    std::string target;
    std::string event_id;
    std::string topic;  // "orders.outofstock"
    std::string body;   // the event's JSON
};

struct NoticeKey {
    std::int64_t merchant = 0;
    std::string target;
    std::string event_id;
};

struct DueNotice {
    NoticeKey key;
    std::string topic;
    std::string body;
    int tries = 0;  // this one included
    std::chrono::seconds age{0};
    Instant now;  // by the database's clock
};

struct GivenUpNotice {
    NoticeKey key;
    std::string topic;
    int tries = 0;
    Instant given_up_at;
    std::string last_error;
};

class Notices {
public:
    explicit Notices(ConnectionSettings settings) : session_(std::move(settings)) {}

    // Those that are there already stay as they are. Safe to repeat. Returns how many are new.
    std::int64_t add(const std::vector<NewNotice>& notices);

    // The notice of this target that has been due longest, taken for `lease`: if nothing is said about it until then, it
    // is due again.
    std::optional<DueNotice> take(std::int64_t merchant, const std::string& target, std::chrono::seconds lease);

    // What became of a try. Safe to repeat; later words about an ended notice count for nothing.
    void delivered(const NoticeKey& key);
    void try_again(const NoticeKey& key, std::chrono::milliseconds pause, const std::string& error);
    void give_up(const NoticeKey& key, const std::string& error);

    // Ended ones, oldest first, at most `limit`.
    std::vector<GivenUpNotice> given_up(std::int64_t limit);
    // Makes them due at once, as if they were new. Returns how many.
    std::int64_t send_again(const std::string& target);

    // Forgets what is older than `keep`, ended or not: a repeat of such an event would be told again. At most 10,000 at once.
    std::int64_t forget(std::chrono::seconds keep);

private:
    Session session_;
};

}  // namespace ordersaga::db
