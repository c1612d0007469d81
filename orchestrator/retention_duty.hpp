// Forgets: once a minute it goes on with the erasures that were asked for, and adds up what was counted singly; at start and once a day it prepares the coming
// months of saga history and drops what has grown old. On a thread of its own. Several orchestrators may do so at once; what one could not finish the next one does.
#pragma once

#include "db/retention.hpp"
#include "db/session.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace ordersaga {

class RetentionDuty {
public:
    RetentionDuty(db::ConnectionSettings database, db::Retention retention);
    ~RetentionDuty();
    RetentionDuty(const RetentionDuty&) = delete;
    RetentionDuty& operator=(const RetentionDuty&) = delete;

private:
    void run();
    void erase();
    void prepare_and_drop();
    bool stopping();

    db::Session session_;
    const db::Retention retention_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace ordersaga
