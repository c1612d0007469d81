#include "orchestrator/engine/open_sagas.hpp"

#include <algorithm>

namespace ordersaga::engine {

std::vector<std::string> unknown_sagas(
    const std::vector<const sagas::SagaDefinition*>& definitions,
    const std::vector<OpenSagas>& open) {
    std::vector<std::string> faults;
    for (const OpenSagas& group : open) {
        const std::string many = std::to_string(group.count) + " of kind " + group.kind;
        const auto found = std::find_if(definitions.begin(), definitions.end(), [&](const auto* definition) {
            return definition->kind() == group.kind;
        });
        if (found == definitions.end()) {
            faults.push_back(many + ", which it has no definition of");
        } else if (!(*found)->can_load(group.definition_version)) {
            faults.push_back(
                many + " have definition version " + std::to_string(group.definition_version) +
                ", which it does not know");
        } else if (!(*found)->knows(group.state)) {
            faults.push_back(many + " stand in " + group.state + ", a state that it does not have");
        }
    }
    return faults;
}

}  // namespace ordersaga::engine
