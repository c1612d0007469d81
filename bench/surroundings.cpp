#include "bench/surroundings.hpp"

#include <fstream>

namespace ordersaga::bench {

std::string processor() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    }
    return "unknown processor";
}

std::string load_average() {
    std::ifstream file("/proc/loadavg");
    std::string line;
    std::getline(file, line);
    return line;
}

std::string setting_of(db::Connection& connection, const std::string& name) {
    std::string value;
    connection.transact([&](db::Transaction& transaction) {
        value = transaction.query("SELECT current_setting($1)", {name}).text(0, 0);
    });
    return value;
}

}  // namespace ordersaga::bench
