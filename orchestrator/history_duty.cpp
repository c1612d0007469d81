#include "orchestrator/history_duty.hpp"

#include "db/history.hpp"
#include "runtime/log.hpp"

#include <exception>

namespace ordersaga {
namespace {

constexpr std::chrono::hours once_a_day{24};
constexpr std::chrono::minutes after_a_failure{10};

}  // namespace

HistoryDuty::HistoryDuty(db::ConnectionSettings database) : session_(std::move(database)) {
    thread_ = std::thread([this] { run(); });
}

HistoryDuty::~HistoryDuty() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void HistoryDuty::run() {
    while (true) {
        std::chrono::minutes pause = once_a_day;
        try {
            int made = db::prepare_history(session_);
            if (made > 0) runtime::log_info("months of history prepared", {{"months", made}});
        } catch (const std::exception& error) {
            runtime::log_warn("months of history could not be prepared", {{"error", error.what()}});
            pause = after_a_failure;
        }
        std::unique_lock lock(mutex_);
        if (wake_.wait_for(lock, pause, [this] { return stopping_; })) return;
    }
}

}  // namespace ordersaga
