// Whether a build can move what an earlier one has begun: asked once, before the engine starts. Pure.
#pragma once

#include "sagas/definition.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::engine {

// Sagas that are not final and stand alike.
struct OpenSagas {
    std::string kind;
    int definition_version = 1;
    std::string state;
    std::int64_t count = 0;
};

// One text for each group that no definition can decide: an unknown kind, a version that none can load, a state that was removed.
// Each tells how many sagas that are.
std::vector<std::string> unknown_sagas(
    const std::vector<const sagas::SagaDefinition*>& definitions,
    const std::vector<OpenSagas>& open);

}  // namespace ordersaga::engine
