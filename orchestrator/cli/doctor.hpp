// What `sagactl doctor` makes of what it has seen: one verdict per thing looked at, with what was seen and what mends it.
// Pure; doctor_verb.cpp looks.
#pragma once

#include "broker/inspect.hpp"
#include "db/health.hpp"
#include "db/verify.hpp"
#include "runtime/clock.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::cli {

// `warning`: it works, and somebody should look at it in time. `bad`: orders are lost, late or at risk now.
enum class Verdict { good, warning, bad };

struct Check {
    std::string name;  // "credential store:eu"
    Verdict verdict = Verdict::good;
    std::string seen;
    std::string mend;  // empty when there is nothing to do
};

using Checks = std::vector<Check>;

Verdict worst_of(const Checks& checks);

Checks judge_settings(const std::vector<std::string>& startup_faults);
// `before` and `after` are this machine's, around the question that the database answered with its own time.
Check judge_clock(runtime::Instant before, runtime::Instant database, runtime::Instant after);
Check judge_orchestrators(const db::SystemHealth& health);
Check judge_incidents(const db::SystemHealth& health);
Checks judge_credentials(const db::SystemHealth& health);
Checks judge_scopes(const db::SystemHealth& health);
Checks judge_subscriptions(const db::SystemHealth& health);
Checks judge_laws(const std::vector<db::LawResult>& laws);
// `dead`: the name of the queue of dead letters.
Checks judge_queues(const std::vector<broker::SeenQueue>& queues, const std::string& dead);
Check judge_disk(const std::string& path, std::int64_t bytes, std::int64_t free_bytes);

// A warehouse's orders of other channels. `unread` says why they could not be read; `looked_at` counts all that stand there.
struct WarehouseLook {
    std::string warehouse;
    std::string unread;
    std::int64_t looked_at = 0;
    bool all = true;  // false: there are more than are looked at
    std::vector<db::ForeignOrder> foreign;
};
Check judge_other_channels(const WarehouseLook& look);

}  // namespace ordersaga::cli
