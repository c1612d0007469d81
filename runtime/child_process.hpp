// Programs that we start. Each has a process group of its own, so that Ctrl-C reaches it through us and in our
// order, and dies with us whatever kills us. Used from the main thread only: the kernel
// ties "dies with its parent" to the thread that started it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::runtime {

struct ChildPlan {
    std::filesystem::path program;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;  // over our own
    std::filesystem::path log;  // output and errors are appended here; empty: they go where our errors go
};

class Child {
public:
    // Throws std::system_error when it cannot be forked. A program that cannot be executed ends with 127.
    explicit Child(const ChildPlan& plan);
    ~Child();  // kills what still runs
    Child(Child&& other) noexcept;
    Child& operator=(Child&& other) noexcept;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t id() const { return id_; }
    // nullopt while it runs; then the exit status as a shell tells it (128 + signal).
    std::optional<int> ended();
    void signal(int number);
    // False when it still runs after that long.
    bool wait_for(std::chrono::milliseconds longest);
    // SIGTERM, then SIGKILL after `longest`.
    void stop(std::chrono::milliseconds longest);

private:
    pid_t id_ = -1;
    std::optional<int> status_;
};

struct CommandEnd {
    int status = 0;
    std::string output;  // standard output and error, at most the last 64 MiB
};

// Runs to the end; throws std::runtime_error when that takes longer than `longest` (it is killed then).
CommandEnd run_command(ChildPlan plan, std::chrono::milliseconds longest);

// Thrown by pause() and run_command() once SIGINT, SIGTERM or SIGHUP has come.
struct Interrupted {};
void catch_signals();
[[nodiscard]] bool interrupted() noexcept;
void pause(std::chrono::milliseconds length);

// A port on 127.0.0.1 that is free now, outside the range that outgoing connections use: a program that is
// restarted finds it free again.
std::uint16_t free_port();

}  // namespace ordersaga::runtime
