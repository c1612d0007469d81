#include "bench/load/meter.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace ordersaga::bench {
namespace {

struct Process {
    pid_t id = 0, parent = 0;
    std::string name;
    double cpu_s = 0;  // with children that have ended and been waited for
    double rss_mib = 0, peak_rss_mib = 0;
};

double mebibytes(const std::string& line) {
    std::istringstream words(line.substr(line.find(':') + 1));
    double kibibytes = 0;
    words >> kibibytes;
    return kibibytes / 1024;
}

// nullopt-like: id 0 when it ended meanwhile.
Process read_process(pid_t id) {
    static const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const std::string folder = "/proc/" + std::to_string(id);
    std::ifstream stat(folder + "/stat");
    std::string text;
    if (!std::getline(stat, text)) return {};
    Process process;
    process.id = id;
    const std::size_t begin = text.find('('), end = text.rfind(')');
    process.name = text.substr(begin + 1, end - begin - 1);
    std::istringstream fields(text.substr(end + 2));
    std::string state, skipped;
    fields >> state >> process.parent;
    for (int n = 5; n < 14; ++n)
        fields >> skipped;
    double user = 0, system = 0, children_user = 0, children_system = 0;
    fields >> user >> system >> children_user >> children_system;
    process.cpu_s = (user + system + children_user + children_system) / ticks;
    std::ifstream status(folder + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) process.rss_mib = mebibytes(line);
        if (line.starts_with("VmHWM:")) process.peak_rss_mib = mebibytes(line);
    }
    return process;
}

std::map<pid_t, Process> all_processes() {
    std::map<pid_t, Process> all;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        pid_t id = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
        if (error != std::errc{} || end != name.data() + name.size()) continue;
        if (const Process process = read_process(id); process.id != 0) all[id] = process;
    }
    return all;
}

}  // namespace

Cost look_at(const Roots& roots) {
    const std::map<pid_t, Process> all = all_processes();
    Cost cost;
    std::map<pid_t, std::string> name_of;
    for (const auto& [name, root] : roots)
        name_of[root] = name;
    for (const auto& [id, process] : all) {
        // The nearest root above it: we have started most of the others ourselves.
        pid_t above = id;
        while (above > 1 && !name_of.contains(above)) {
            const auto found = all.find(above);
            above = found == all.end() ? 0 : found->second.parent;
        }
        const auto root = name_of.find(above);
        if (root == name_of.end()) continue;
        cost.cpu_s[root->second] += process.cpu_s;
        cost.rss_mib[root->second] += process.rss_mib;
        cost.peak_rss_mib[root->second] = std::max(cost.peak_rss_mib[root->second], process.peak_rss_mib);
    }
    return cost;
}

std::map<std::string, double> difference(
    const std::map<std::string, double>& a,
    const std::map<std::string, double>& b) {
    std::map<std::string, double> result;
    for (const auto& [name, value] : a) {
        const auto before = b.find(name);
        result[name] = value - (before == b.end() ? 0 : before->second);
    }
    return result;
}

std::vector<pid_t> children_called(const std::string& program) {
    std::vector<pid_t> found;
    for (const auto& [id, process] : all_processes()) {
        // The kernel keeps fifteen characters of a name.
        if (process.parent == getpid() && process.name == program.substr(0, 15)) found.push_back(id);
    }
    return found;
}

}  // namespace ordersaga::bench
