// The report of ./dev bench: what it was measured on, the medians of several runs, and how two reports differ. Pure, but for
// what asks the machine.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ordersaga::bench {

// Processor, cores, memory and load of this machine.
nlohmann::json machine();
// Of kernel and compiler, and the commit as the caller tells it; those of the servers tell the servers.
nlohmann::json versions(const std::string& commit);

// No "laws" in there tells of a broken one.
bool laws_hold(const nlohmann::json& figures);

// Runs of the same shape as one: of each number the median. Truths hold when all do, and of texts "laws" is the first that
// does not hold; other texts are the first run's.
nlohmann::json median_of(const std::vector<nlohmann::json>& runs);

// One line for each figure of "limits" and "scenarios" that both reports have: its place, old, new, new / old. Then those that
// only one of them has.
std::string compared(const nlohmann::json& old_report, const nlohmann::json& new_report);

// Throws std::runtime_error when the file cannot be read or is no report.
nlohmann::json read_report(const std::filesystem::path& file);
void write_report(const std::filesystem::path& file, const nlohmann::json& report);

}  // namespace ordersaga::bench
