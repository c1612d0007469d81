// What locks nothing that others lock goes through an engine of its own, on a thread and a connection of its own: a store
// tells several levels for each order, and they must not take the engine's turns. Nobody is in a hurry for them, so they
// gather a moment and share a transaction.
#pragma once

#include "orchestrator/engine_loop.hpp"

#include <memory>
#include <vector>

namespace ordersaga {

struct OrchestratorConfig;

class ApartEngine final : public webhook::IntakeQueue {
public:
    // All references must outlive this. `others` takes every input that is not apart.
    ApartEngine(
        webhook::IntakeQueue& others,
        const OrchestratorConfig& config,
        const std::vector<const sagas::SagaDefinition*>& definitions,
        runtime::Random& random,
        runtime::Metrics& metrics);
    ~ApartEngine() override;  // stop()

    void start();
    void stop();

    // Thread-safe.
    bool offer(engine::Input input) override;
    bool has_room(const std::string& line) const override { return others_.has_room(line); }
    std::chrono::seconds return_in() override { return others_.return_in(); }

private:
    struct Parts;
    webhook::IntakeQueue& others_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace ordersaga
