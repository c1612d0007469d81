#include "broker/envelope_list.hpp"

namespace ordersaga::broker {
namespace {

// Inside one JSON document two objects have a comma between them, and texts hold no line break: this is found between two
// documents only, whatever white space a single one has.
constexpr std::string_view seam = "}\n{";

}  // namespace

bool has_room(std::size_t bodies, std::size_t bytes, std::size_t next_bytes) {
    return bodies == 0 || (bodies < envelope_list_limit && bytes + bodies + next_bytes <= envelope_list_bytes);
}

std::string join_envelopes(const std::vector<std::string_view>& bodies) {
    std::size_t bytes = bodies.size();
    for (const std::string_view body : bodies)
        bytes += body.size();
    std::string joined;
    joined.reserve(bytes);
    for (const std::string_view body : bodies) {
        if (!joined.empty()) joined += '\n';
        joined += body;
    }
    return joined;
}

runtime::Result<std::vector<std::string_view>> split_envelopes(std::string_view body) {
    std::vector<std::string_view> lines;
    for (std::size_t end = body.find(seam); end != std::string_view::npos; end = body.find(seam)) {
        if (lines.size() + 1 == envelope_list_limit) return runtime::invalid("envelope: more than 64 in one message");
        lines.push_back(body.substr(0, end + 1));
        body.remove_prefix(end + 2);
    }
    lines.push_back(body);
    return lines;
}

}  // namespace ordersaga::broker
