// `sagactl doctor`: looks at everything that lets orders come to harm while nobody complains, and changes nothing.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <string>
#include <vector>

namespace ordersaga::cli {

struct DoctorArguments {
    bool quick = false;  // neither the laws nor the warehouse's orders: seconds, also on a large database
    std::vector<std::string> disks{"/"};  // paths whose file systems are looked at
};

// Exit code 0 when all is good, 7 when there are warnings only, 1 when something is bad. What cannot be looked at is a
// verdict of its own and stops nothing else. Throws CliError when there is no address of a database at all.
ExitCode doctor_verb(Context& context, const DoctorArguments& arguments);

}  // namespace ordersaga::cli
