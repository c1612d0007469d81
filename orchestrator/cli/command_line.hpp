// sagactl as a function: arguments in, text and an exit code out.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::cli {

// `arguments` without the program's name. Never throws; every fault becomes a line on world.err and its exit code.
ExitCode run_command_line(const std::vector<std::string>& arguments, Surroundings& world);

// Only the arguments, without doing anything: what is wrong with them, and where help is. nullopt: a verb would begin, or help
// would be shown. May be asked again; one thread.
class ArgumentCheck {
public:
    ArgumentCheck();
    ~ArgumentCheck();
    ArgumentCheck(const ArgumentCheck&) = delete;
    ArgumentCheck& operator=(const ArgumentCheck&) = delete;
    std::optional<std::string> fault_of(const std::vector<std::string>& arguments);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::cli
