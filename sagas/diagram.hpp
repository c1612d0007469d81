// The order saga's transition table as pictures, drawn from the table itself, so that they cannot tell something else.
// The files in diagrams/ are these texts. Pure; the same table gives the same bytes on every machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::sagas {

// Mermaid (stateDiagram-v2): one arrow for all events between two states. `live_state` is marked when the saga has it.
std::string order_saga_mermaid(std::string_view live_state = {});

// SVG: the forward path in a row, the ways aside and back below it.
std::string order_saga_svg(std::string_view live_state = {});

// What the SVG shows, for who draws it in another dress. Lengths are those of the picture.
struct DrawnState {
    std::string name;
    double left = 0, top = 0, width = 0, height = 0;
    bool final = false;
};
struct DrawnArrow {
    std::string from, to;
    std::vector<std::string> events;
    std::string kind;                 // forward, aside, back, trouble (to a person), resume (on from there)
    std::string path;                 // an SVG path, from frame to frame
    double label_x = 0, label_y = 0;  // the label's centre
};
struct Drawing {
    double width = 0, height = 0;
    std::vector<DrawnState> states;
    std::vector<DrawnArrow> arrows;
};
Drawing order_saga_drawing();

// Markdown: the picture and the whole table, also with the rows that stay in their state.
std::string order_saga_page();

}  // namespace ordersaga::sagas
