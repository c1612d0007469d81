#include "orchestrator/retention_duty.hpp"

#include "db/history.hpp"
#include "db/kept_lists.hpp"
#include "db/privacy.hpp"
#include "runtime/log.hpp"

#include <exception>

namespace ordersaga {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::hours once_a_day{24};
constexpr std::chrono::minutes after_a_failure{10};
constexpr std::chrono::minutes once_a_minute{1};

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
    Steady::time_point next_drop = Steady::now();
    while (true) {
        try {
            erase();
        } catch (const std::exception& error) {
            runtime::log_warn("personal data could not be erased; it is tried again", {{"error", error.what()}});
        }
        try {
            db::add_up_ended(session_);
        } catch (const std::exception& error) {
            runtime::log_warn(
                "counts of ended sagas could not be added up; it is tried again", {{"error", error.what()}});
        }
        if (Steady::now() >= next_drop) {
            std::chrono::minutes pause = once_a_day;
            try {
                prepare_and_drop();
            } catch (const std::exception& error) {
                runtime::log_warn("old rows could not be dropped", {{"error", error.what()}});
                pause = after_a_failure;
            }
            next_drop = Steady::now() + pause;
        }
        std::unique_lock lock(mutex_);
        if (wake_.wait_for(lock, once_a_minute, [this] { return stopping_; })) return;
    }
}

void RetentionDuty::erase() {
    const db::Erased erased = db::erase_asked(session_, [this] { return !stopping(); });
    if (!erased.any()) return;
    runtime::log_info(
        "personal data erased",
        {{"orders", erased.orders}, {"bodies", erased.bodies}, {"requests", erased.requests}, {"keys", erased.keys}});
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
                             {"addresses", dropped.addresses},
                             {"history_months", dropped.history_months}});
}

}  // namespace ordersaga
