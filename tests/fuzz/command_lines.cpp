// Arguments of sagactl, one a line: read only, nothing is done. What is wrong is told in one line that a terminal can show.
#include "orchestrator/cli/command_line.hpp"
#include "tests/fuzz/target.hpp"

#include <string>
#include <vector>

namespace ordersaga::fuzz {

void one_input(std::string_view input) {
    std::vector<std::string> arguments;
    while (!input.empty() && arguments.size() < 20)
        arguments.emplace_back(take_line(input));
    static cli::ArgumentCheck check;
    const std::optional<std::string> fault = check.fault_of(arguments);
    if (fault) {
        HOLDS(fault->size() > 20 && fault->find("; see: sagactl") != std::string::npos);
        HOLDS(!has_control(*fault));
    }
    // What was read before leaves nothing behind.
    HOLDS(check.fault_of(arguments) == fault);
    HOLDS(!check.fault_of({"list"}) && check.fault_of({}));
}

}  // namespace ordersaga::fuzz
