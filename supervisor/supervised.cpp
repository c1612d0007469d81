#include "supervisor/supervised.hpp"

#include "runtime/backoff.hpp"
#include "runtime/log.hpp"
#include "supervisor/data_directory.hpp"

#include <signal.h>

#include <stdexcept>
#include <utility>

namespace ordersaga::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Who has lived that long was well: its next end is a first one again.
constexpr std::chrono::minutes long_life{5};
constexpr milliseconds look_every{100};

std::string where_it_complains(const Service& service) {
    return service.plan.log.empty() ? "see its lines in the log" : "see " + service.plan.log.string();
}

}  // namespace

seconds pause_before_restart(int short_lives) {
    const runtime::BackoffPolicy policy{seconds(1), 2.0, seconds(60)};
    return std::chrono::duration_cast<seconds>(runtime::longest_delay(short_lives, policy));
}

Supervised::~Supervised() {
    stop();
}

void Supervised::start(Service service) {
    Entry& entry = entries_.emplace_back();
    entry.service = std::move(service);
    launch(entry);
    const Clock::time_point limit = Clock::now() + entry.service.ready_within;
    while (!entry.ready) {
        if (Clock::now() >= limit) {
            throw std::runtime_error(
                entry.service.name + " is not ready after " + std::to_string(entry.service.ready_within.count()) +
                " s: " + where_it_complains(entry.service));
        }
        runtime::pause(look_every);
        watch();
    }
}

void Supervised::watch() {
    for (Entry& entry : entries_)
        look_after(entry);
}

void Supervised::launch(Entry& entry) {
    entry.started = Clock::now();
    entry.ready = false;
    entry.child.emplace(entry.service.plan);
    runtime::log_info("started", {{"service", entry.service.name}, {"process", entry.child->id()}});
}

void Supervised::look_after(Entry& entry) {
    if (!entry.child) {
        if (Clock::now() >= entry.start_again) launch(entry);
        return;
    }
    const std::optional<int> status = entry.child->ended();
    if (!status) {
        if (entry.ready || !entry.service.ready()) return;
        entry.ready = true;
        runtime::log_info("ready", {{"service", entry.service.name}, {"process", entry.child->id()}});
        return;
    }
    entry.child.reset();
    if (status == entry.service.hopeless_status) {
        throw NotUsable(
            entry.service.name + " ended with status " + std::to_string(*status) +
            " and would again: " + where_it_complains(entry.service));
    }
    entry.short_lives = Clock::now() - entry.started >= long_life ? 1 : entry.short_lives + 1;
    const seconds pause = pause_before_restart(entry.short_lives);
    entry.start_again = Clock::now() + pause;
    runtime::log_warn(
        "ended by itself, is started again",
        {{"service", entry.service.name}, {"status", *status}, {"pause_seconds", pause.count()}});
}

void Supervised::stop() {
    while (!entries_.empty()) {
        stop(entries_.back());
        entries_.pop_back();
    }
}

void Supervised::stop(Entry& entry) {
    if (!entry.child || entry.child->ended()) return;
    entry.child->signal(entry.service.stop_signal);
    if (entry.child->wait_for(entry.service.stop_within)) {
        runtime::log_info("stopped", {{"service", entry.service.name}, {"status", entry.child->ended().value_or(0)}});
        return;
    }
    runtime::log_warn("does not stop, is killed", {{"service", entry.service.name}});
    entry.child->signal(SIGKILL);
    entry.child->wait_for(seconds(10));
}

}  // namespace ordersaga::supervisor
