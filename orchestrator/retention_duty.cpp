#include "orchestrator/retention_duty.hpp"

#include "db/history.hpp"
#include "runtime/log.hpp"

#include <exception>

namespace ordersaga {
namespace {

constexpr std::chrono::hours once_a_day{24};
constexpr std::chrono::minutes after_a_failure{10};

}  // namespace

RetentionDuty::RetentionDuty(db::ConnectionSettings database, db::Retention retention)
    : session_(std::move(database)), retention_(retention) {
    thread_ = std::thread([this] { run(); });
}

RetentionDuty::~RetentionDuty() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

bool RetentionDuty::stopping() {
    std::lock_guard lock(mutex_);
    return stopping_;
}

void RetentionDuty::run() {
    while (true) {
        std::chrono::minutes pause = once_a_day;
        try {
            prepare_and_drop();
        } catch (const std::exception& error) {
            runtime::log_warn("old rows could not be dropped", {{"error", error.what()}});
            pause = after_a_failure;
        }
        std::unique_lock lock(mutex_);
        if (wake_.wait_for(lock, pause, [this] { return stopping_; })) return;
    }
}

void RetentionDuty::prepare_and_drop() {
    const int made = db::prepare_history(session_);
    if (made > 0) runtime::log_info("months of history prepared", {{"months", made}});
    const db::Dropped dropped = db::drop_old(session_, retention_, [this] { return !stopping(); });
    if (!dropped.any()) return;
    runtime::log_info(
        "old rows dropped", {{"receipts", dropped.receipts},
                             {"commands", dropped.commands},
                             {"flushes", dropped.flushes},
                             {"parked", dropped.parked},
                             {"history_months", dropped.history_months}});
}

}  // namespace ordersaga
