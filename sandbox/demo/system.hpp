// The whole system as child processes: sandbox, orchestrator, activity-worker, over servers that ./dev has started.
// Starts it, watches it, kills parts of it when told, asks it. Main thread only. What fails throws
// std::runtime_error with the log's place in its text.
#pragma once

#include "runtime/child_process.hpp"
#include "sandbox/demo/caller.hpp"
#include "sandbox/demo/catalogue.hpp"
#include "sandbox/demo/options.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::demo {

// KEY=value lines, values perhaps in quotes. Throws when the file cannot be read.
std::map<std::string, std::string> read_env_file(const std::filesystem::path& file);

class System {
public:
    System(const Options& options, Catalogue catalogue, WorldSettings world);
    ~System();  // stop()
    System(const System&) = delete;
    System& operator=(const System&) = delete;

    // Everything up, webhooks connected, every listing's opening belief known. `tell` hears one line per step.
    void start(const std::function<void(const std::string&)>& tell);
    // Graceful: orchestrator and worker drain first, the sandbox goes last.
    void stop();

    // Restarts what has ended. A program that was not told to end is remembered in crashes().
    void supervise();
    // SIGKILL, then started again: orchestrator, worker, rabbitmq, pg. Does not wait for the restart.
    void kill(const std::string& subject);
    // For who decides himself what dies and when: orchestrator or worker, killed if it still runs and started with `more`
    // in its environment. Does not wait.
    void start_again(const std::string& subject, const std::map<std::string, std::string>& more);
    // As a shell tells it; nullopt while it runs.
    std::optional<int> ended(const std::string& subject);
    void signal(const std::string& subject, int number);
    // True while a killed server is still being started again.
    [[nodiscard]] bool restarting() const;
    // Until every killed server takes connections again, and touches no program.
    void wait_for_servers();
    [[nodiscard]] const std::vector<std::string>& crashes() const { return crashes_; }

    // The sandbox's control API; `path` as "/control/stores". Throws unless the answer is a 2xx.
    nlohmann::json control(const std::string& method, const std::string& path, const nlohmann::json& body);
    nlohmann::json control(const std::string& path);
    struct Answer {
        int status = 0;
        std::string body;
    };
    Answer control_raw(const std::string& method, const std::string& path, const std::string& body);
    // GET below /api/v1; nullopt while the orchestrator does not answer.
    std::optional<nlohmann::json> rest(const std::string& path);
    // All pages of a list; nullopt as above. `path` has no query yet.
    std::optional<std::vector<nlohmann::json>> rest_all(const std::string& path, const std::string& filter = {});
    std::optional<nlohmann::json> command(const std::string& path, const nlohmann::json& body);

    // sagactl with the addresses of this system in its environment.
    runtime::CommandEnd sagactl(const std::vector<std::string>& arguments);

    // Name → value: what --run writes, and what people are shown.
    [[nodiscard]] std::map<std::string, std::string> addresses() const;
    [[nodiscard]] const Catalogue& catalogue() const { return catalogue_; }
    [[nodiscard]] std::filesystem::path logs() const { return directory_ / "logs"; }

private:
    struct Program {
        std::string name;
        runtime::ChildPlan plan;
        std::optional<runtime::Child> child;
        bool expected_to_end = false;
        std::chrono::steady_clock::time_point start_again{};
    };

    Program& program(const std::string& subject) { return subject == "worker" ? worker_ : orchestrator_; }
    void start_sandbox();
    void make_world();
    void make_database();
    void connect_shops();
    void start_orchestrator();
    void start_worker();
    void send_webhooks_here();
    void wait_until_open();
    void launch(Program& program);
    void watch(Program& program);
    std::string wait_for_line(Program& program, const std::string& beginning, std::chrono::seconds longest);
    void wait_until_ready(Program& program, const std::string& url, std::chrono::seconds longest);
    std::map<std::string, std::string> orchestrator_environment() const;

    Options options_;
    Catalogue catalogue_;
    WorldSettings world_settings_;
    std::filesystem::path directory_;
    std::map<std::string, std::string> servers_;   // of tools/servers
    std::map<std::string, std::string> database_;  // of sagactl migrate
    std::map<std::string, std::string> secrets_;   // of stores and warehouses
    std::map<std::string, SetupFiles::Client> clients_;
    std::string broker_prefix_;
    std::string token_;
    std::uint16_t public_port_ = 0, private_port_ = 0;
    std::string sandbox_url_, public_url_, private_url_, worker_url_;
    Caller caller_;
    Program sandbox_{"sandbox", {}, {}, false, {}};
    Program orchestrator_{"orchestrator", {}, {}, false, {}};
    Program worker_{"activity-worker", {}, {}, false, {}};
    std::vector<runtime::Child> restarts_;  // tools/servers at work
    std::vector<std::string> crashes_;
};

}  // namespace ordersaga::demo
