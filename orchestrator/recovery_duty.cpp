#include "orchestrator/recovery_duty.hpp"

#include "runtime/log.hpp"

#include <chrono>
#include <exception>
#include <utility>

namespace ordersaga {
namespace {

// A restore that is noticed while we run has calls to wait for first, longer than this.
constexpr std::chrono::seconds at_rest{30};
constexpr std::chrono::seconds while_held{1};

}  // namespace

RecoveryDuty::RecoveryDuty(db::ConnectionSettings database, std::function<void()> gone_on)
    : session_(std::move(database)), gone_on_(std::move(gone_on)) {
    thread_ = std::thread([this] { run(); });
}

RecoveryDuty::~RecoveryDuty() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void RecoveryDuty::run() {
    while (true) {
        try {
            look();
        } catch (const std::exception& error) {
            runtime::log_warn("whether a restored database has caught up is not known", {{"error", error.what()}});
        }
        std::unique_lock lock(mutex_);
        if (wake_.wait_for(lock, told_.empty() ? at_rest : while_held, [this] { return stopping_; })) return;
    }
}

void RecoveryDuty::look() {
    std::vector<db::RecoveryStage> held;
    session_.transact([&](db::Transaction& transaction) { held = db::continue_recoveries(transaction); });
    std::string now;
    for (const db::RecoveryStage& recovery : held) {
        now += (now.empty() ? "" : "; ") + recovery.merchant + ": " + recovery.stage;
        if (!recovery.waits_for.empty()) now += " (waits for " + recovery.waits_for + ")";
    }
    if (now == told_) return;
    gone_on_();
    if (now.empty()) {
        runtime::log_info("the restored database has caught up: everything is sent again", {});
    } else {
        runtime::log_info("after a restore nothing is sent yet", {{"stages", now}});
    }
    told_ = now;
}

}  // namespace ordersaga
