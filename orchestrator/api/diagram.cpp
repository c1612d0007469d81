#include "orchestrator/api/diagram.hpp"

#include "sagas/order_saga.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace ordersaga::api {

std::string order_saga_diagram(std::string_view live_state) {
    // One arrow for all events between two states, in the table's order.
    std::vector<std::pair<std::string, std::string>> arrows;
    std::map<std::pair<std::string, std::string>, std::string> labels;
    for (const sagas::TransitionRow& row : sagas::OrderSaga::table()) {
        if (row.to.empty()) continue;
        const std::pair<std::string, std::string> arrow{row.from, row.to};
        std::string& label = labels[arrow];
        if (label.empty()) {
            arrows.push_back(arrow);
            label = row.event;
        } else if ((", " + label + ",").find(" " + row.event + ",") == std::string::npos) {
            label += ", " + row.event;
        }
    }
    const sagas::OrderSaga saga;
    std::string text = "stateDiagram-v2\n    [*] --> " + std::string(saga.initial_state()) + "\n";
    for (const auto& arrow : arrows)
        text += "    " + arrow.first + " --> " + arrow.second + ": " + labels[arrow] + "\n";
    for (const std::string& state : sagas::OrderSaga::states()) {
        if (saga.is_final(state)) text += "    " + state + " --> [*]\n";
    }
    if (saga.knows(live_state)) {
        text += "    classDef live fill:#ffd54f,stroke:#e65100,stroke-width:3px\n    class " + std::string(live_state) +
                " live\n";
    }
    return text;
}

}  // namespace ordersaga::api
