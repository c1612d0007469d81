// sagactl as a function: arguments in, text and an exit code out.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <string>
#include <vector>

namespace ordersaga::cli {

// `arguments` without the program's name. Never throws; every fault becomes a line on world.err and its exit code.
ExitCode run_command_line(const std::vector<std::string>& arguments, Surroundings& world);

}  // namespace ordersaga::cli
