// How sagactl ends. The numbers are a contract with scripts: docs/api.md.
#pragma once

#include <stdexcept>
#include <string>

namespace ordersaga::cli {

enum class ExitCode {
    ok = 0,
    refused = 1,        // a law is broken, something is bad, or the answer is no; also anything unexpected
    usage = 2,          // arguments, configuration or an input file
    not_reachable = 3,  // the service or the database
    not_found = 4,
    not_allowed = 5,  // token or role
    conflict = 6,     // it has changed meanwhile, or its state does not permit this
    warning = 7,      // doctor: it works, and somebody should look at it
};

// Ends a verb. The text is for people, one line or several, without secrets.
class CliError : public std::runtime_error {
public:
    CliError(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
    ExitCode code() const noexcept { return code_; }

private:
    ExitCode code_;
};

}  // namespace ordersaga::cli
