// Keeps the months of saga history ready: at start and once a day, on a thread of its own. Several orchestrators may do so
// at once. A month that nobody prepared loses nothing, its rows only lie in the partition for the rest.
#pragma once

#include "db/session.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace ordersaga {

class HistoryDuty {
public:
    explicit HistoryDuty(db::ConnectionSettings database);
    ~HistoryDuty();
    HistoryDuty(const HistoryDuty&) = delete;
    HistoryDuty& operator=(const HistoryDuty&) = delete;

private:
    void run();

    db::Session session_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace ordersaga
