// The order saga's transition table as pictures, drawn from the table itself, so that they cannot tell something else.
// The files in diagrams/ are these texts. Pure; the same table gives the same bytes on every machine.
#pragma once

#include <string>
#include <string_view>

namespace ordersaga::sagas {

// Mermaid (stateDiagram-v2): one arrow for all events between two states. `live_state` is marked when the saga has it.
std::string order_saga_mermaid(std::string_view live_state = {});

// SVG: the forward path in a row, the ways aside and back below it.
std::string order_saga_svg(std::string_view live_state = {});

// Markdown: the picture and the whole table, also with the rows that stay in their state.
std::string order_saga_page();

}  // namespace ordersaga::sagas
