#include "runtime/child_process.hpp"

#include "runtime/random.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

extern char** environ;

namespace ordersaga::runtime {
namespace {

using std::chrono::milliseconds;

volatile sig_atomic_t signal_came = 0;

void remember_signal(int) {
    signal_came = 1;
}

std::vector<std::string> environment_of(const ChildPlan& plan) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if (!plan.environment.contains(text.substr(0, text.find('=')))) all.push_back(text);
    }
    for (const auto& [name, value] : plan.environment)
        all.push_back(name + "=" + value);
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts)
        list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

// Between fork and exec: only what is safe there.
[[noreturn]] void become(const char* program, char** arguments, char** environment, int log, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    // A connection of ours that a child holds stays open when we close it, and its other end waits for ever.
    close_range(STDERR_FILENO + 1, ~0U, 0);
    execve(program, arguments, environment);
    _exit(127);
}

}  // namespace

Child::Child(const ChildPlan& plan) {
    std::vector<std::string> arguments{plan.program.string()};
    arguments.insert(arguments.end(), plan.arguments.begin(), plan.arguments.end());
    std::vector<std::string> environment = environment_of(plan);
    std::vector<char*> argument_list = pointers(arguments);
    std::vector<char*> environment_list = pointers(environment);
    const int log = plan.log.empty() ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                                     : open(plan.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0) throw std::system_error(errno, std::generic_category(), "cannot write " + plan.log.string());
    const pid_t parent = getpid();
    id_ = fork();
    if (id_ == 0) become(arguments[0].c_str(), argument_list.data(), environment_list.data(), log, parent);
    const int fault = errno;
    close(log);
    if (id_ < 0) throw std::system_error(fault, std::generic_category(), "cannot start " + plan.program.string());
}

Child::~Child() {
    if (id_ > 0 && !ended()) {
        signal(SIGKILL);
        wait_for(milliseconds(5'000));
    }
}

Child::Child(Child&& other) noexcept : id_(std::exchange(other.id_, -1)), status_(std::move(other.status_)) {}

Child& Child::operator=(Child&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(status_, other.status_);
    return *this;
}

std::optional<int> Child::ended() {
    if (status_ || id_ <= 0) return status_;
    int word = 0;
    pid_t who = 0;
    do {
        who = waitpid(id_, &word, WNOHANG);
    } while (who < 0 && errno == EINTR);
    if (who == id_) status_ = WIFSIGNALED(word) ? 128 + WTERMSIG(word) : WEXITSTATUS(word);
    if (who < 0) status_ = 127;
    return status_;
}

void Child::signal(int number) {
    if (id_ > 0 && !status_) ::kill(id_, number);
}

bool Child::wait_for(milliseconds longest) {
    const auto limit = std::chrono::steady_clock::now() + longest;
    while (!ended()) {
        if (std::chrono::steady_clock::now() >= limit) return false;
        std::this_thread::sleep_for(milliseconds(5));
    }
    return true;
}

void Child::stop(milliseconds longest) {
    signal(SIGTERM);
    if (wait_for(longest)) return;
    signal(SIGKILL);
    wait_for(milliseconds(5'000));
}

CommandEnd run_command(ChildPlan plan, milliseconds longest) {
    std::filesystem::remove(plan.log);
    Child child(plan);
    const auto limit = std::chrono::steady_clock::now() + longest;
    while (!child.wait_for(milliseconds(50))) {
        if (interrupted()) throw Interrupted{};
        if (std::chrono::steady_clock::now() >= limit) {
            throw std::runtime_error(
                plan.program.filename().string() + " did not end in time; see " + plan.log.string());
        }
    }
    std::ifstream file(plan.log);
    CommandEnd end{child.ended().value_or(127), {std::istreambuf_iterator<char>(file), {}}};
    constexpr std::size_t most = 64 * 1024 * 1024;
    if (end.output.size() > most) end.output.erase(0, end.output.size() - most);
    return end;
}

void catch_signals() {
    struct sigaction action {};
    action.sa_handler = remember_signal;
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
        sigaction(number, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() noexcept {
    return signal_came != 0;
}

void pause(milliseconds length) {
    const auto limit = std::chrono::steady_clock::now() + length;
    while (!interrupted()) {
        const auto rest = std::chrono::duration_cast<milliseconds>(limit - std::chrono::steady_clock::now());
        if (rest.count() <= 0) return;
        std::this_thread::sleep_for(std::min(rest, milliseconds(50)));
    }
    throw Interrupted{};
}

std::uint16_t free_port() {
    runtime::SystemRandom random;
    for (int attempt = 0; attempt < 200; ++attempt) {
        const auto port = static_cast<std::uint16_t>(20'000 + random.below(12'000));
        const int socket_id = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool bound = bind(socket_id, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        close(socket_id);
        if (bound) return port;
    }
    throw std::runtime_error("no free port on 127.0.0.1");
}

}  // namespace ordersaga::runtime
