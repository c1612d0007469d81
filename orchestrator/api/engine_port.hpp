// What the REST API asks of the engine's loop. Implemented by the loop.
#pragma once

#include "orchestrator/webhook/intake_queue.hpp"
#include "runtime/error.hpp"
#include "sagas/definition.hpp"

#include <nlohmann/json.hpp>

#include <functional>

namespace ordersaga::api {

// A dry run: engine::Engine::preview on the engine's thread.
struct PreviewRequest {
    engine::SagaKey saga;
    sagas::Event event;
    std::function<void(runtime::Result<nlohmann::json>)> done;  // once, from any thread
};

class EnginePort : public webhook::IntakeQueue {
public:
    // As offer(): true means that `done` will be called exactly once.
    virtual bool offer_preview(PreviewRequest request) = 0;
};

}  // namespace ordersaga::api
