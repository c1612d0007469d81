#include "sandbox/demo/progress.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdio>

namespace ordersaga::demo {
namespace {

using std::chrono::steady_clock;

constexpr const char* states_in_order[] = {
    "Received",       "Reserved",
    "ChannelsSynced", "FulfillmentRequested",
    "Shipped",        "OnHold",
    "Backordered",    "CancellingFulfillment",
    "ReleasingStock", "RevertingChannels",
    "SettlingOrder",  "NeedsOperator",
    "Completed",      "Compensated",
    "OutOfStock",
};

std::string states_of(const nlohmann::json& summary) {
    std::string text;
    for (const char* state : states_in_order) {
        const auto count = summary.at("sagas").value(state, std::int64_t{0});
        if (count != 0) text += fmt::format("  {} {}", state, count);
    }
    const auto incidents = summary.value("open_incidents", std::int64_t{0});
    return text + (incidents == 0 ? "" : fmt::format("  incidents {}", incidents));
}

}  // namespace

Progress::Progress(System& system)
    : system_(system), begin_(steady_clock::now()), terminal_(isatty(STDOUT_FILENO) == 1) {}

Progress::~Progress() {
    end_line();
}

double Progress::seconds() const {
    return std::chrono::duration<double>(steady_clock::now() - begin_).count();
}

void Progress::show(std::size_t placed, std::size_t orders) {
    if (steady_clock::now() < next_) return;
    next_ = steady_clock::now() + std::chrono::milliseconds(terminal_ ? 500 : 3'000);
    const auto summary = system_.rest("/summary");
    const std::string states = summary ? states_of(*summary) : "  (the orchestrator does not answer)";
    const std::string line = fmt::format("{:6.1f} s  placed {}/{}{}", seconds(), placed, orders, states);
    if (terminal_) {
        std::fputs(("\r\033[K" + line).c_str(), stdout);
        line_open_ = true;
    } else {
        std::puts(line.c_str());
    }
    std::fflush(stdout);
}

void Progress::end_line() {
    if (line_open_) std::puts("");
    line_open_ = false;
    std::fflush(stdout);
}

void Progress::note(const std::string& text) {
    end_line();
    std::puts(fmt::format("{:6.1f} s  {}", seconds(), text).c_str());
    std::fflush(stdout);
}

}  // namespace ordersaga::demo
