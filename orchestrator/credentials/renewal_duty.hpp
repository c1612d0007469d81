// Renews the tokens of stores when half of their life is over, and looks once a day which scopes they give; on a thread of
// its own. Several orchestrators may do so at once: each renewal is claimed in the database by one of them, and what one
// that died has claimed the next one does. The old token stays in use until the new one is committed.
#pragma once

#include "db/session.hpp"
#include "orchestrator/credentials/store_tokens.hpp"
#include "runtime/metrics.hpp"
#include "runtime/sealing.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace ordersaga::credentials {

class RenewalDuty {
public:
    struct Settings {
        db::ConnectionSettings database;
        runtime::KeyRing keys;
        std::chrono::milliseconds interval{10'000};
    };

    // Starts the thread. `metrics` must outlive this object.
    RenewalDuty(Settings settings, runtime::Metrics& metrics);
    // Waits for calls under way, which have a limit of their own.
    ~RenewalDuty();
    RenewalDuty(const RenewalDuty&) = delete;
    RenewalDuty& operator=(const RenewalDuty&) = delete;

    // What a store's redirect has brought to the public listener. From any thread; `done` is called once, on the duty's
    // thread: with nothing when the tokens are in force, else with what is wrong, in words for whom it concerns.
    void finish_authorization(Fields query, std::function<void(std::string fault)> done);

private:
    class Worker;
    std::unique_ptr<Worker> worker_;
};

}  // namespace ordersaga::credentials
