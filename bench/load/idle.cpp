// Nothing is ordered, and many sagas are open: what the system does all the same. It tells statements a second by the program
// that sends them (all but BEGIN, COMMIT and the like, counted in the server's own log), the WAL's growth, processor time and
// memory. The open sagas are copies (seed.hpp), and none of them is due meanwhile.
#include "bench/load/scenarios.hpp"
#include "bench/load/seed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <utility>

namespace ordersaga::bench {
namespace {

using nlohmann::json;

// Who logs in to PostgreSQL under which name: one role is one program's.
constexpr std::array<std::pair<const char*, const char*>, 3> roles{
    {{"ordersaga_engine@", "orchestrator"}, {"ordersaga_api@", "orchestrator"}, {"ordersaga_worker@", "worker"}}};

// "LOG:  statement: BEGIN", "LOG:  execute name: SELECT ..."
bool is_query(const std::string& line) {
    const std::size_t log = line.find("LOG:  ");
    if (log == std::string::npos) return false;
    const std::string told = line.substr(log + 6);
    if (!told.starts_with("statement: ") && !told.starts_with("execute ")) return false;
    const std::string statement = told.substr(told.find(": ") + 2);
    constexpr std::array frames{"BEGIN", "COMMIT", "ROLLBACK", "SET ", "begin", "commit", "rollback", "set "};
    return std::none_of(frames.begin(), frames.end(), [&](const char* frame) { return statement.starts_with(frame); });
}

class ServerLog {
public:
    explicit ServerLog(std::filesystem::path file) : file_(std::move(file)) {
        read_to_ = static_cast<std::streamoff>(std::filesystem::file_size(file_));
    }

    // Since this was made.
    [[nodiscard]] std::map<std::string, double> queries() const {
        std::ifstream stream(file_);
        stream.seekg(read_to_);
        if (!stream) throw std::runtime_error("cannot read " + file_.string());
        std::map<std::string, double> count{{"orchestrator", 0}, {"worker", 0}};
        for (std::string line; std::getline(stream, line);) {
            for (const auto& [role, program] : roles) {
                if (line.find(std::string(" ") + role) != std::string::npos && is_query(line)) ++count[program];
            }
        }
        return count;
    }

private:
    std::filesystem::path file_;
    std::streamoff read_to_ = 0;
};

}  // namespace

Outcome run_idle(const ScenarioOptions& options) {
    Stage stage(options.stage);
    prepare(stage);
    seed_sagas(stage.database(), "FulfillmentRequested", options.open, 7, say);
    // The database goes with this system, and this setting with it; sessions have it from their beginning.
    stage.database().autocommit("ALTER DATABASE ordersaga_demo SET log_statement = 'all'");
    stage.restart_programs();
    say("started again over the open sagas; what a start does settles");
    stage.pass(std::chrono::seconds(90));
    const double length = or_own(options.seconds, 60.0);
    const ServerLog log(stage.log_of_postgresql());
    const Reading before = stage.read();
    const auto begin = std::chrono::steady_clock::now();
    stage.pass(std::chrono::milliseconds(static_cast<std::int64_t>(length * 1000)));
    const double took = seconds_since(begin);
    const Reading after = stage.read();
    json queries = json::object(), cpu = json::object(), rss = json::object();
    for (const auto& [program, count] : log.queries())
        queries[program] = count / took;
    for (const auto& [program, seconds] : difference(after.cost.cpu_s, before.cost.cpu_s))
        cpu[program] = seconds / took;
    for (const auto& [program, mebibytes] : after.cost.peak_rss_mib)
        rss[program] = mebibytes;
    return judged(
        stage, {{"open_sagas", options.open},
                {"seconds", took},
                {"queries_per_s", std::move(queries)},
                {"transactions_per_s", (after.transactions - before.transactions) / took},
                {"wal_bytes_per_s", (after.wal_bytes - before.wal_bytes) / took},
                {"cpu_s_per_s", std::move(cpu)},
                {"rss_mib", std::move(rss)}});
}

}  // namespace ordersaga::bench
