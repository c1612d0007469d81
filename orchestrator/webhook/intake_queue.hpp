// The way from the listeners into the engine. Implemented by the loop that owns the engine.
#pragma once

#include "orchestrator/engine/inputs.hpp"

#include <chrono>
#include <string>

namespace ordersaga::webhook {

class IntakeQueue {
public:
    virtual ~IntakeQueue() = default;
    // Thread-safe, never blocks. True: the input will be answered through its `done`, exactly once. False: the queue is
    // full or the engine is stopping; nothing was taken and `done` will never be called.
    virtual bool offer(engine::Input input) = 0;
    // Thread-safe. Whether offer() would take an arrival of this line now; a moment later it may be otherwise.
    virtual bool has_room(const std::string& line) const = 0;
    // Thread-safe. When one who was turned away shall come again: everybody is told a moment of his own.
    virtual std::chrono::seconds return_in() = 0;
};

}  // namespace ordersaga::webhook
