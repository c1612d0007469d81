// The order saga's state diagram with one state marked, drawn from the transition table. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ordersaga::api {

// Mermaid; `live_state` is marked when the diagram has it.
std::string order_saga_diagram(std::string_view live_state);

}  // namespace ordersaga::api
