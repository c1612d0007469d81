#include "bench/load/report.hpp"

#include "bench/surroundings.hpp"
#include "runtime/json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <thread>

namespace ordersaga::bench {
namespace {

using nlohmann::json;
using Figures = std::map<std::string, double>;

// Rows of a list are named by what tells them apart, so that reports with other rows can be compared.
std::string name_of(const json& row, std::size_t place) {
    if (row.is_object() && row.contains("rate") && row.contains("peers"))
        return fmt::format("{}/s {}", row.at("rate").get<double>(), row.at("peers").get<std::string>());
    return std::to_string(place);
}

void collect(const json& value, const std::string& place, Figures& figures) {
    if (value.is_number()) figures[place] = value.get<double>();
    if (value.is_object()) {
        for (const auto& [key, member] : value.items())
            collect(member, place.empty() ? key : place + "." + key, figures);
    }
    for (std::size_t n = 0; value.is_array() && n < value.size(); ++n)
        collect(value[n], place + "[" + name_of(value[n], n) + "]", figures);
}

Figures figures_of(const json& report) {
    Figures figures;
    for (const char* part : {"limits", "scenarios"}) {
        if (const json* found = runtime::find_member(report, part)) collect(*found, part, figures);
    }
    return figures;
}

std::string only_in(const char* which, const Figures& these, const Figures& others) {
    std::string text;
    for (const auto& [place, value] : these) {
        if (!others.contains(place)) text += fmt::format("{:<72} only in the {} report: {:g}\n", place, which, value);
    }
    return text;
}

}  // namespace

json versions(const std::string& commit) {
    utsname names{};
    uname(&names);
    // clang says its own name in there.
    const std::string compiler = std::string(__VERSION__).find("lang") == std::string::npos ? "g++ " : "";
    return {{"kernel", std::string(names.release)}, {"compiler", compiler + __VERSION__}, {"commit", commit}};
}

json machine() {
    const double gibibytes = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE)) /
                             (1024.0 * 1024 * 1024);
    return {
        {"cpu", processor()},
        {"cores", std::thread::hardware_concurrency()},
        {"memory_gib", std::round(gibibytes * 10) / 10},
        {"load_before", load_average()}};
}

bool laws_hold(const json& figures) {
    if (figures.is_string()) return !figures.get_ref<const std::string&>().starts_with("BROKEN");
    return std::all_of(figures.begin(), figures.end(), [](const json& member) {
        return !(member.is_structured() || member.is_string()) || laws_hold(member);
    });
}

json median_of(const std::vector<json>& runs) {
    const json& first = runs.front();
    if (first.is_number()) {
        std::vector<json> values;
        std::copy_if(
            runs.begin(), runs.end(), std::back_inserter(values), [](const json& run) { return run.is_number(); });
        std::sort(values.begin(), values.end());
        return values[(values.size() - 1) / 2];
    }
    if (first.is_boolean()) return std::all_of(runs.begin(), runs.end(), [](const json& run) { return run == true; });
    if (first.is_string()) {
        const auto odd = std::find_if(runs.begin(), runs.end(), [](const json& run) { return !laws_hold(run); });
        return odd == runs.end() ? first : *odd;
    }
    json result = first;
    const auto settle = [&](json& member, const json::json_pointer& place) {
        std::vector<json> members;
        for (const json& run : runs) {
            if (run.contains(place)) members.push_back(run.at(place));
        }
        member = median_of(members);
    };
    if (first.is_object()) {
        for (auto& [key, member] : result.items())
            settle(member, json::json_pointer() / key);
    }
    for (std::size_t n = 0; first.is_array() && n < first.size(); ++n)
        settle(result[n], json::json_pointer() / n);
    return result;
}

std::string compared(const json& old_report, const json& new_report) {
    const Figures before = figures_of(old_report), after = figures_of(new_report);
    std::string text = fmt::format("{:<72} {:>14} {:>14} {:>9}\n", "", "old", "new", "new/old");
    for (const auto& [place, value] : before) {
        const auto found = after.find(place);
        if (found == after.end()) continue;
        const std::string ratio = value == 0 ? "-" : fmt::format("{:.3f}", found->second / value);
        text += fmt::format("{:<72} {:>14g} {:>14g} {:>9}\n", place, value, found->second, ratio);
    }
    return text + only_in("old", before, after) + only_in("new", after, before);
}

json read_report(const std::filesystem::path& file) {
    std::ifstream stream(file);
    if (!stream) throw std::runtime_error("cannot read " + file.string());
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const runtime::Result<json> report = runtime::parse_json(text, {.depth = 64, .elements = 20'000'000});
    if (!report) throw std::runtime_error(file.string() + " is no JSON: " + report.error().message);
    if (runtime::find_member(*report, "scenarios") == nullptr)
        throw std::runtime_error(file.string() + " is no report of ./dev bench: it has no scenarios");
    return *report;
}

void write_report(const std::filesystem::path& file, const json& report) {
    std::ofstream stream(file, std::ios::trunc);
    stream << report.dump(2) << '\n';
    stream.close();
    if (!stream) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace ordersaga::bench
