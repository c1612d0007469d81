// The file of settings that all programs share, read by each of them: every fault names its place and none repeats a secret, and
// settings without faults are within their bounds.
#include "activities/worker_config.hpp"
#include "notifier/notifier_config.hpp"
#include "orchestrator/orchestrator_config.hpp"
#include "runtime/config.hpp"
#include "tests/fuzz/target.hpp"

#include <string>

namespace ordersaga::fuzz {
namespace {

const std::string canary = "canary-5a1e";

// Only a reference leads here; what it leads to is never shown.
runtime::Environment environment() {
    return runtime::fixed_environment(
        {{"TOKEN", canary},
         {"DSN", "postgresql://u:" + canary + "@127.0.0.1/db"},
         {"AMQP", "amqp://u:" + canary + "@127.0.0.1/"},
         {"KEYS", "k1:" + canary}});
}

bool check_faults(runtime::ConfigReader& reader) {
    const auto faults = reader.finish();
    for (const runtime::ConfigFault& fault : faults) {
        HOLDS(!fault.where.empty() && !fault.message.empty());
        HOLDS((fault.where + fault.message).find(canary) == std::string::npos);
    }
    const std::string all = runtime::describe(faults);
    HOLDS(all.empty() == faults.empty());
    return faults.empty();
}

}  // namespace

void one_input(std::string_view input) {
    // What is no secret may be shown, also where it reads like one.
    if (input.find(canary) != std::string_view::npos) return;
    // A reference to a file is followed; there is nothing to be read in this one.
    if (input.find("file:") != std::string_view::npos && input.find("/dev/") != std::string_view::npos) return;
    runtime::ConfigReader for_orchestrator = runtime::ConfigReader::from_text(input, environment());
    const OrchestratorConfig orchestrator = read_orchestrator_config(for_orchestrator);
    if (check_faults(for_orchestrator)) HOLDS(orchestrator.engine.shards >= 1 && !orchestrator.engine_dsn.empty());

    runtime::ConfigReader for_worker = runtime::ConfigReader::from_text(input, environment());
    const activities::WorkerConfig worker = activities::read_worker_config(for_worker);
    if (check_faults(for_worker)) {
        HOLDS(worker.concurrency >= 1 && worker.concurrency <= 2000 && worker.call_timeout.count() > 0);
        for (const activities::StoreConfig& store : worker.stores)
            HOLDS(!store.key.empty() && store.base_url.starts_with("http"));
    }

    runtime::ConfigReader for_notifier = runtime::ConfigReader::from_text(input, environment());
    const notifier::NotifierConfig notices = notifier::read_notifier_config(for_notifier);
    if (check_faults(for_notifier)) {
        HOLDS(notices.prefetch >= 1 && notices.first_retry <= notices.longest_retry);
        for (const notifier::WebhookConfig& hook : notices.webhooks)
            HOLDS(hook.url.starts_with("http") && hook.merchant > 0);
    }
}

}  // namespace ordersaga::fuzz
