// Looks whether a restored database has caught up with its peers, moves it on (db/restored.hpp) and says so in the log: once a
// second while something is held back, else now and then. On a thread of its own; several orchestrators may do so at once.
#pragma once

#include "db/restored.hpp"
#include "db/session.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ordersaga {

class RecoveryDuty {
public:
    // `gone_on` is called on the duty's thread when a recovery has begun, gone on or ended: work may have come of it.
    explicit RecoveryDuty(
        db::ConnectionSettings database,
        std::function<void()> gone_on = [] {});
    ~RecoveryDuty();
    RecoveryDuty(const RecoveryDuty&) = delete;
    RecoveryDuty& operator=(const RecoveryDuty&) = delete;

private:
    void run();
    void look();

    db::Session session_;
    std::function<void()> gone_on_;
    std::string told_;  // of the last look, so that the log says each step once; empty: nothing is held back
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace ordersaga
