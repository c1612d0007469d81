// sagactl: reads its environment, runs one verb, writes what it says.
#include "orchestrator/cli/command_line.hpp"
#include "runtime/core_dumps.hpp"
#include "runtime/log.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <sstream>

namespace {

// Whole or with a complaint: a full disk must not look like success. A reader that went away (| head) is no fault.
bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(file, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EPIPE) return true;
        if (count <= 0) {
            std::cerr << "sagactl: cannot write the answer: " << std::strerror(errno) << '\n';
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

// The next line of standard input; typed without being shown when that is a terminal.
std::string read_secret(const std::string& prompt) {
    termios shown{};
    const bool at_terminal = ::tcgetattr(STDIN_FILENO, &shown) == 0;
    if (at_terminal) {
        std::cerr << prompt << std::flush;
        termios hidden = shown;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    std::string line;
    std::getline(std::cin, line);
    if (at_terminal) {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        std::cerr << '\n';
    }
    return line;
}

}  // namespace

int main(int count, char** values) {
    using namespace ordersaga;
    runtime::forbid_core_dumps();
    std::signal(SIGPIPE, SIG_IGN);
    runtime::configure_log({.level = runtime::LogLevel::off, .program = "sagactl", .file = {}});

    std::ostringstream out;
    const runtime::Environment environment = runtime::system_environment();
    const bool colours =
        ::isatty(STDOUT_FILENO) == 1 && !environment("NO_COLOR") && environment("TERM").value_or("dumb") != "dumb";
    cli::Surroundings world{out, std::cerr, environment, colours, read_secret, ::isatty(STDIN_FILENO) == 1};
    const cli::ExitCode code = cli::run_command_line(std::vector<std::string>(values + 1, values + count), world);
    if (!write_all(STDOUT_FILENO, out.view())) return static_cast<int>(cli::ExitCode::refused);
    return static_cast<int>(code);
}
