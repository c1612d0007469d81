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

// Lets somebody stand between two programs: the address that `from` is given instead of `address`. `from` is a program's
// name, "workers" for all of them or "stores"; `to` is postgresql, rabbitmq, shopify, shipbob, hooks or intake;
// the addresses of several intakes come with commas between them, and one of the same kind goes back.
using Between = std::function<std::string(const std::string& from, const std::string& to, const std::string& address)>;

class System {
public:
    System(const Options& options, Catalogue catalogue, WorldSettings world, Between between = {});
    ~System();  // stop()
    System(const System&) = delete;
    System& operator=(const System&) = delete;

    // Everything up, webhooks connected, every listing's opening belief known. `tell` hears one line per step.
    void start(const std::function<void(const std::string&)>& tell);
    // Graceful: orchestrator and worker drain first, the sandbox goes last.
    void stop();

    // Restarts what has ended. A program that was not told to end is remembered in crashes().
    void supervise();
    // Called at each supervise(), that is all the time, whatever the demo is doing.
    void on_supervise(std::function<void()> also) { also_ = std::move(also); }
    // SIGKILL, then started again: a program's name, "worker", rabbitmq, pg. Does not wait for the restart. A program stays
    // away for `away`. `backup` takes a dump of the database while all goes on, `restore` puts it back while the programs are
    // down. `upgrade` migrates under the programs of the earlier release and starts ours beside them, `earlier` lets those end.
    void kill(const std::string& subject, std::chrono::milliseconds away = {});
    // To a program; nothing when it is not there now.
    void signal(const std::string& program, int number);
    // tools/servers with these words before --dir, to its end.
    void servers(const std::vector<std::string>& words);
    // Of pg or rabbitmq, without waiting for it.
    void restart_server(const std::string& server);
    // True while a server is still being started again.
    [[nodiscard]] bool restarting() const;
    // "orchestrator", "orchestrator-2", "activity-worker", ..., and "notifier" where there is one.
    [[nodiscard]] std::vector<std::string> programs();
    // 200 of /readyz of that program, 503, or 0 when it does not answer within a second; and what it said.
    Caller::Reply readiness(const std::string& program);
    // Until every killed server takes connections again, and touches no program.
    void wait_for_servers();
    // For who decides himself what dies and when: a program, killed if it still runs and started with `more` in its
    // environment. Does not wait.
    void start_again(const std::string& program, const std::map<std::string, std::string>& more);
    // As a shell tells it; nullopt while it runs.
    std::optional<int> ended(const std::string& program);
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

    // sagactl with the addresses of this system in its environment. Throws when it takes longer than that.
    runtime::CommandEnd sagactl(
        const std::vector<std::string>& arguments,
        std::chrono::seconds longest = std::chrono::seconds(120));

    // Name → value: what --run writes, and what people are shown.
    [[nodiscard]] std::map<std::string, std::string> addresses() const;
    // Where each orchestrator takes webhooks; where each program of that binary tells of itself.
    [[nodiscard]] std::vector<std::string> intakes() const;
    [[nodiscard]] std::vector<std::string> urls(const std::string& binary);
    [[nodiscard]] const Catalogue& catalogue() const { return catalogue_; }
    [[nodiscard]] std::filesystem::path logs() const { return directory_ / "logs"; }

private:
    struct Program {
        std::string name;
        std::string binary;
        std::string url;  // where it tells of itself
        std::uint16_t public_port = 0;
        runtime::ChildPlan plan;
        std::optional<runtime::Child> child;
        bool expected_to_end = false;
        std::chrono::milliseconds away{};
        std::chrono::steady_clock::time_point start_again{};
    };

    void give_addresses();
    void start_sandbox();
    void make_world();
    void make_database();
    void connect_shops();
    void start_orchestrator(Program& program);
    void start_worker(Program& program);
    void start_notifier(Program& program);
    void send_webhooks_here();
    void wait_until_open();
    void start_programs();
    void wait_for_tokens();
    void launch(Program& program);
    void upgrade_beside();
    void end_earlier();
    void take_backup();
    void restore_backup();
    void use_postgres(const std::string& tool, std::vector<std::string> arguments);
    void watch(Program& program);
    std::string wait_for_line(Program& program, const std::string& beginning, std::chrono::seconds longest);
    void wait_until_ready(Program& program, const std::string& url, std::chrono::seconds longest);
    std::map<std::string, std::string> orchestrator_environment(const std::string& program) const;
    [[nodiscard]] std::string between(const std::string& from, const std::string& to, const std::string& address) const;
    // Where PostgreSQL, by the address that the variable `dsn` gives, and RabbitMQ are.
    void lead_to_servers(Program& program, const std::string& dsn) const;
    Program* find(const std::string& subject);
    Program& named(const std::string& subject);  // throws when there is none
    std::vector<Program*> all_programs();
    [[nodiscard]] const std::string& private_url() const { return orchestrators_[answering_].url; }

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
    std::string sandbox_url_, public_url_;
    Between between_;
    std::function<void()> also_;
    Caller caller_;
    Program sandbox_;
    std::vector<Program> orchestrators_, workers_, notifiers_;
    std::size_t answering_ = 0;             // the orchestrator that answered last
    std::vector<runtime::Child> earlier_;   // programs of an earlier release, beside ours
    std::filesystem::path bin_;             // whose programs are started now
    std::vector<runtime::Child> restarts_;  // tools/servers at work
    std::vector<std::string> crashes_;
};

}  // namespace ordersaga::demo
