#include "orchestrator/api/diagram.hpp"

#include "sagas/diagram.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::api {

namespace {

using nlohmann::json;

json drawing_document() {
    const sagas::Drawing drawing = sagas::order_saga_drawing();
    json states = json::array(), arrows = json::array();
    for (const sagas::DrawnState& state : drawing.states)
        states.push_back(
            {{"name", state.name},
             {"left", state.left},
             {"top", state.top},
             {"width", state.width},
             {"height", state.height},
             {"final", state.final}});
    for (const sagas::DrawnArrow& arrow : drawing.arrows)
        arrows.push_back(
            {{"from", arrow.from},
             {"to", arrow.to},
             {"events", arrow.events},
             {"kind", arrow.kind},
             {"path", arrow.path},
             {"label_x", arrow.label_x},
             {"label_y", arrow.label_y}});
    return {
        {"width", drawing.width},
        {"height", drawing.height},
        {"states", std::move(states)},
        {"arrows", std::move(arrows)}};
}

}  // namespace

json diagram_document(const std::string& saga_id, const std::string& state) {
    return {
        {"saga_id", saga_id},
        {"state", state},
        {"mermaid", sagas::order_saga_mermaid(state)},
        {"drawing", drawing_document()}};
}

}  // namespace ordersaga::api
