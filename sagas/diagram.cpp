#include "sagas/diagram.hpp"

#include "runtime/text.hpp"
#include "sagas/order_saga.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

namespace ordersaga::sagas {
namespace {

// All events that lead from one state to another, in the table's sequence.
struct Arrow {
    std::string from, to;
    std::vector<std::string> events;
};

std::vector<Arrow> arrows() {
    std::vector<Arrow> all;
    for (const TransitionRow& row : OrderSaga::table()) {
        if (row.to.empty()) continue;
        auto known = std::find_if(
            all.begin(), all.end(), [&](const Arrow& arrow) { return arrow.from == row.from && arrow.to == row.to; });
        if (known == all.end()) known = all.insert(all.end(), {row.from, row.to, {}});
        std::vector<std::string>& events = known->events;
        if (std::find(events.begin(), events.end(), row.event) == events.end()) events.push_back(row.event);
    }
    return all;
}

// --- the picture's own layout -----------------------------------------------------------------------------------------

enum class Band { forward, aside, back };

struct Place {
    const char* state;
    Band band;
    double column;
};

constexpr double margin = 120, column_width = 310, box_width = 178, box_height = 40, letter_width = 6.3,
                 line_height = 13;
constexpr double canvas_width = 2 * margin + 5 * column_width, canvas_height = 1000;

double height_of(Band band) {
    return band == Band::forward ? 210 : band == Band::aside ? 540 : 880;
}

const std::vector<Place>& places() {
    static const std::vector<Place> all = {
        {"Received", Band::forward, 0},
        {"Reserved", Band::forward, 1},
        {"ChannelsSynced", Band::forward, 2},
        {"FulfillmentRequested", Band::forward, 3},
        {"Shipped", Band::forward, 4},
        {"Completed", Band::forward, 5},
        {"Backordered", Band::aside, 0.1},
        {"OnHold", Band::aside, 1.35},
        {"NeedsOperator", Band::aside, 3.25},
        {"OutOfStock", Band::aside, 5},
        {"CancellingFulfillment", Band::back, 0.55},
        {"ReleasingStock", Band::back, 1.65},
        {"RevertingChannels", Band::back, 2.75},
        {"SettlingOrder", Band::back, 3.85},
        {"Compensated", Band::back, 5},
    };
    return all;
}

struct Point {
    double x = 0, y = 0;
};

struct Box {
    double left = 0, top = 0, right = 0, bottom = 0;
};

Point centre_of(const Place& place) {
    return {margin + place.column * column_width, height_of(place.band)};
}

Box box_of(const Place& place) {
    Point centre = centre_of(place);
    return {centre.x - box_width / 2, centre.y - box_height / 2, centre.x + box_width / 2, centre.y + box_height / 2};
}

// A state that the layout does not know yet gets a place below, so that it is seen to be missing.
Place place_of(const std::string& state) {
    for (const Place& place : places()) {
        if (state == place.state) return place;
    }
    return {"", Band::back, -0.3};
}

double overlap(const Box& a, const Box& b) {
    double width = std::min(a.right, b.right) - std::max(a.left, b.left);
    double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    return width > 0 && height > 0 ? width * height : 0;
}

// Where the line from the box's centre to `outside` leaves the box.
Point edge_towards(const Place& place, Point outside) {
    Point centre = centre_of(place);
    double x = outside.x - centre.x, y = outside.y - centre.y;
    double scale = 1e9;
    if (x != 0) scale = std::min(scale, box_width / 2 / std::abs(x));
    if (y != 0) scale = std::min(scale, box_height / 2 / std::abs(y));
    return {centre.x + x * scale, centre.y + y * scale};
}

// A quadratic curve. Neighbours in a row are joined by a straight line, others by a bow; there and back are never the same.
struct Curve {
    Point begin, control, end;

    Point at(double t) const {
        double a = (1 - t) * (1 - t), b = 2 * t * (1 - t), c = t * t;
        return {a * begin.x + b * control.x + c * end.x, a * begin.y + b * control.y + c * end.y};
    }
};

Curve curve_between(const Place& from, const Place& to) {
    Point a = centre_of(from), b = centre_of(to);
    Point control{(a.x + b.x) / 2, (a.y + b.y) / 2};
    double x = b.x - a.x, y = b.y - a.y;
    double columns = std::abs(to.column - from.column);
    if (from.band == to.band) {
        bool neighbours = columns < 1.3 && x > 0;
        if (!neighbours) control.y += (x > 0 ? -1 : 1) * (70 + 50 * columns) * (from.band == Band::back ? -1 : 1);
    } else {
        control.x += -y * 0.13;
        control.y += x * 0.05;
    }
    return {edge_towards(from, control), control, edge_towards(to, control)};
}

struct Label {
    Point centre;
    Box box;
};

Box label_box(Point centre, const std::vector<std::string>& lines) {
    std::size_t longest = 0;
    for (const std::string& line : lines)
        longest = std::max(longest, line.size());
    double width = static_cast<double>(longest) * letter_width + 6;
    double height = static_cast<double>(lines.size()) * line_height + 2;
    return {centre.x - width / 2, centre.y - height / 2, centre.x + width / 2, centre.y + height / 2};
}

// The first place along the curve where the label covers nothing; else where it covers least.
Label place_label(const Curve& curve, const std::vector<std::string>& lines, const std::vector<Box>& taken) {
    Label best;
    double least = -1;
    for (int step = 0; step <= 20; ++step) {
        int side = step % 2 == 0 ? 1 : -1;
        Point centre = curve.at(0.5 + side * ((step + 1) / 2) * 0.04);
        Box box = label_box(centre, lines);
        double covered = 0;
        for (const Box& other : taken)
            covered += overlap(box, other);
        if (least >= 0 && covered >= least) continue;
        least = covered;
        best = {centre, box};
        if (covered == 0) break;
    }
    return best;
}

std::string number(double value) {
    return std::to_string(std::lround(value));
}

std::string path_of(const Curve& curve) {
    return "M" + number(curve.begin.x) + " " + number(curve.begin.y) + "Q" + number(curve.control.x) + " " +
           number(curve.control.y) + " " + number(curve.end.x) + " " + number(curve.end.y);
}

const char* kind_of(const Arrow& arrow) {
    if (arrow.from == "NeedsOperator") return "resume";
    if (arrow.to == "NeedsOperator") return "trouble";
    Band from = place_of(arrow.from).band, to = place_of(arrow.to).band;
    if (from == Band::back || to == Band::back) return "back";
    return from == Band::forward && to == Band::forward ? "forward" : "aside";
}

std::string svg_head() {
    std::string markers;
    const std::pair<const char*, const char*> colours[] = {
        {"forward", "#1f5fa8"},
        {"aside", "#6b6f76"},
        {"back", "#b3382c"},
        {"trouble", "#c77700"},
        {"resume", "#b9a26a"}};
    std::string style =
        "text{font-family:Helvetica,Arial,sans-serif}.name{font-size:14px;font-weight:bold;text-anchor:middle}"
        ".event{font-size:11px;text-anchor:middle}.arrow{fill:none;stroke-width:1.4}"
        ".state{fill:#eef3f9;stroke:#1f5fa8;stroke-width:1.5}.final{stroke-width:4}"
        ".live{fill:#ffd54f;stroke:#e65100;stroke-width:4}.paper{fill:#ffffff;fill-opacity:0.85}";
    for (const auto& [kind, colour] : colours) {
        style += std::string(".arrow.") + kind + "{stroke:" + colour + "}.event." + kind + "{fill:" + colour + "}";
        markers += std::string("<marker id=\"") + kind +
                   "\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" "
                   "orient=\"auto-start-reverse\"><path d=\"M0 0L10 5L0 10z\" fill=\"" +
                   colour + "\"/></marker>\n";
    }
    std::string size = number(canvas_width) + " " + number(canvas_height);
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" + number(canvas_width) +
           "\" height=\"" + number(canvas_height) + "\" role=\"img\">\n<title>The order saga</title>\n<style>" + style +
           "</style>\n<defs>\n" + markers + "</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
}

std::string svg_box(const DrawnState& state, bool live) {
    std::string classes = std::string("state") + (state.final ? " final" : "") + (live ? " live" : "");
    return "<rect class=\"" + classes + "\" x=\"" + number(state.left) + "\" y=\"" + number(state.top) + "\" width=\"" +
           number(state.width) + "\" height=\"" + number(state.height) + "\" rx=\"8\"/>\n<text class=\"name\" x=\"" +
           number(state.left + state.width / 2) + "\" y=\"" + number(state.top + state.height / 2 + 5) + "\">" +
           state.name + "</text>\n";
}

std::string svg_label(const DrawnArrow& arrow) {
    const Box box = label_box({arrow.label_x, arrow.label_y}, arrow.events);
    std::string text = "<rect class=\"paper\" x=\"" + number(box.left) + "\" y=\"" + number(box.top) + "\" width=\"" +
                       number(box.right - box.left) + "\" height=\"" + number(box.bottom - box.top) + "\"/>\n";
    double y = box.top + line_height - 2;
    for (const std::string& line : arrow.events) {
        text += "<text class=\"event " + arrow.kind + "\" x=\"" + number(arrow.label_x) + "\" y=\"" + number(y) +
                "\">" + line + "</text>\n";
        y += line_height;
    }
    return text;
}

}  // namespace

std::string order_saga_mermaid(std::string_view live_state) {
    const OrderSaga saga;
    std::string text = "stateDiagram-v2\n    [*] --> " + std::string(saga.initial_state()) + "\n";
    for (const Arrow& arrow : arrows())
        text += "    " + arrow.from + " --> " + arrow.to + ": " + runtime::joined(arrow.events) + "\n";
    for (const std::string& state : OrderSaga::states()) {
        if (saga.is_final(state)) text += "    " + state + " --> [*]\n";
    }
    if (saga.knows(live_state)) {
        text += "    classDef live fill:#ffd54f,stroke:#e65100,stroke-width:3px\n    class " + std::string(live_state) +
                " live\n";
    }
    return text;
}

Drawing order_saga_drawing() {
    const OrderSaga saga;
    Drawing drawing{canvas_width, canvas_height, {}, {}};
    std::vector<Box> taken;
    for (const Place& place : places())
        taken.push_back(box_of(place));
    for (const Arrow& arrow : arrows()) {
        Curve curve = curve_between(place_of(arrow.from), place_of(arrow.to));
        Label label = place_label(curve, arrow.events, taken);
        taken.push_back(label.box);
        drawing.arrows.push_back(
            {arrow.from, arrow.to, arrow.events, kind_of(arrow), path_of(curve), label.centre.x, label.centre.y});
    }
    for (const std::string& state : OrderSaga::states()) {
        Box box = box_of(place_of(state));
        drawing.states.push_back({state, box.left, box.top, box_width, box_height, saga.is_final(state)});
    }
    return drawing;
}

std::string order_saga_svg(std::string_view live_state) {
    const Drawing drawing = order_saga_drawing();
    std::string lines, labels, boxes;
    for (const DrawnArrow& arrow : drawing.arrows) {
        lines += "<path class=\"arrow " + arrow.kind + "\" marker-end=\"url(#" + arrow.kind + ")\" d=\"" + arrow.path +
                 "\"/>\n";
        labels += svg_label(arrow);
    }
    for (const DrawnState& state : drawing.states)
        boxes += svg_box(state, state.name == live_state);
    return svg_head() + lines + labels + boxes + "</svg>\n";
}

std::string order_saga_page() {
    std::string text =
        "# The order saga\n\n"
        "Drawn from the transition table in [sagas/order_saga.cpp](../sagas/order_saga.cpp) by `./dev diagrams`; a "
        "test fails\n"
        "when this page and the table differ.\n\n"
        "![The states of an order and the events that lead from one to another](order_saga.svg)\n\n"
        "Blue: the way forward. Grey: aside and on again. Red: the way back. Orange: to a person, and on from there. A "
        "thick\n"
        "frame: the order ends here.\n\n"
        "## Every row\n\n"
        "An empty *to*: the saga stays where it is. What is not in the table changes nothing, and the history says "
        "so.\n\n"
        "| from | event | to | does | only if |\n|---|---|---|---|---|\n";
    for (const TransitionRow& row : OrderSaga::table()) {
        text += "| " + row.from + " | " + row.event + " | " + row.to + " | " + row.action + " | " + row.guard + " |\n";
    }
    return text + "\n## As Mermaid\n\n```mermaid\n" + order_saga_mermaid() + "```\n";
}

}  // namespace ordersaga::sagas
